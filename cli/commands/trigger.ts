import type { Command } from 'commander';
import type { SleepRun } from '../../lib/mcpClient/index.js';
import { withGateway } from '../gateway.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import { percent, table } from '../output/table.js';
import { requireAllTracks } from '../output/tracks.js';
import { liveLine } from '../output/progress.js';
import type { Terminal } from '../terminal.js';

/** `tori trigger`. */
export function registerTrigger(program: Command, terminal: Terminal): void {
  program
    .command('trigger')
    .description('sleep: replay new episodes and consolidate them, until no new one is left')
    .option('--once', 'one cycle only', false)
    .addOption(outputOption())
    .action(async ({ once, output }: { once: boolean; output: OutputFormat }, command: Command) => {
      await withGateway(command, terminal, async ({ mcp, tenant }) => {
        const live = liveLine(terminal);
        const onProgress = ({
          progress,
          message = `cycle ${progress}`,
        }: {
          progress: number;
          message?: string | undefined;
        }) => live.show(`sleeping: ${message}`);
        const result = await mcp(
          'memory.sleep',
          { once, tenant },
          { signal: terminal.signal, onProgress },
        ).finally(live.clear);
        print(terminal, output, result, () => cycles(result.runs));
        requireAllTracks(result.failures, result.runs);
      });
    });
}

function cycles(runs: readonly SleepRun[]): string {
  const rows = runs.flatMap(({ track, cycles: found }) =>
    found.map((cycle) => [
      track,
      cycle.cycle,
      cycle.episodes,
      `${cycle.energyBefore.toFixed(3)} → ${cycle.energyAfter.toFixed(3)}`,
      percent(cycle.energyDropRatio),
      cycle.settleLoops,
      `${cycle.completionBefore.toFixed(3)} → ${cycle.completionAfter.toFixed(3)}`,
      cycle.accepted ? 'committed' : cycle.reason,
    ]),
  );
  if (rows.length === 0) return 'There is no new episode to consolidate.';
  return table(['track', 'cycle', 'episodes', 'energy', 'drop', 'loops', 'ndcg@20', 'result'], rows);
}
