import type { Command } from 'commander';
import type { PruneResult } from '../../lib/mcpClient/index.js';
import { withGateway } from '../gateway.js';
import { outputOption, positiveNumber, print, type OutputFormat } from '../output/format.js';
import { table } from '../output/table.js';
import { requireAllTracks } from '../output/tracks.js';
import type { Terminal } from '../terminal.js';

interface PruneOptions {
  readonly dryRun: boolean;
  readonly threshold?: number;
  readonly output: OutputFormat;
}

/** `tori prune`. */
export function registerPrune(program: Command, terminal: Terminal): void {
  program
    .command('prune')
    .description('take weak edges out of the concept graph (soft threshold)')
    .option('--dry-run', 'only tell what would go', false)
    .option('--threshold <tau>', 'L1 strength; default: the parameter in force', positiveNumber)
    .addOption(outputOption())
    .action(async ({ dryRun, threshold, output }: PruneOptions, command: Command) => {
      await withGateway(command, terminal, async ({ mcp, tenant }) => {
        const result = await mcp('memory.prune', { dryRun, threshold, tenant }, { signal: terminal.signal });
        print(terminal, output, result, () => summary(result));
        requireAllTracks(result.failures, result.runs);
      });
    });
}

function summary({ dryRun, runs }: PruneResult): string {
  const rows = runs.map(({ track, threshold, edgesBefore, edgesAfter, version }) => [
    track,
    threshold,
    edgesBefore,
    edgesBefore - edgesAfter,
    edgesAfter,
    version,
  ]);
  const runTable = table(['track', 'tau', 'edges', dryRun ? 'would go' : 'gone', 'stay', 'version'], rows);
  const examples = runs.flatMap(({ track, examples: found }) =>
    found.map(({ a, b, weight }) => [track, a, b, weight]),
  );
  if (examples.length === 0) return runTable;
  return `${runTable}\n\nThe heaviest that would go:\n${table(['track', 'a', 'b', 'weight'], examples)}`;
}
