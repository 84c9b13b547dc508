import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { McpToolError } from '../../lib/mcpClient/index.js';
import { differenceOf, syntheticEpisode } from '../../services/loadgen/episodes.js';
import { CliError, exitCodes } from '../exit.js';
import { withGateway, type Gateway } from '../gateway.js';
import { outputOption, print, wholeNumber, type OutputFormat } from '../output/format.js';
import { Latencies, latencyCells, latencyHeadings } from '../output/latency.js';
import { progressBar } from '../output/progress.js';
import { table } from '../output/table.js';
import type { Terminal } from '../terminal.js';

/** Where the episodes of the check go unless `--tenant` says otherwise: they are nobody's memories. */
const checkTenant = 'put-get-loop';

const conceptsOfEach = 50;

/** `tori put-get-loop N`. */
export function registerPutGetLoop(program: Command, terminal: Terminal): void {
  program
    .command('put-get-loop')
    .description(
      `put and get random episodes, check each, print latencies (tenant ${checkTenant} unless --tenant is given)`,
    )
    .argument('<count>', 'how many episodes', wholeNumber(1, 10_000_000))
    .addOption(outputOption())
    .action(async (count: number, { output }: { output: OutputFormat }, command: Command) => {
      await withGateway(command, terminal, (gateway) => putGetLoop(count, output, gateway, terminal));
    });
}

async function putGetLoop(
  count: number,
  output: OutputFormat,
  { mcp, tenant = checkTenant }: Gateway,
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal;
  const workload = { seed: randomInt(2 ** 32), concepts: conceptsOfEach, startMs: Date.now(), intervalMs: 1 };
  const puts = new Latencies();
  const gets = new Latencies();
  const mismatches: { readonly id: string; readonly difference: string }[] = [];
  const bar = progressBar(terminal, 'put-get-loop', count);
  try {
    for (let k = 0; k < count; k++) {
      const { concepts, ...episode } = syntheticEpisode(workload, k);
      await timed(puts, () =>
        mcp('memory.put', { ...episode, episodeBlob: { concepts }, tenant }, { signal }),
      );
      const difference = await timed(gets, () =>
        mcp('memory.get', { id: episode.id, tenant }, { signal }),
      ).then((read) => differenceOf({ ...episode, concepts }, read), missing);
      if (difference !== undefined) mismatches.push({ id: episode.id, difference });
      bar.update(k + 1, `${k + 1}/${count}`);
    }
  } finally {
    bar.stop();
  }
  const result = { count, mismatches, putMs: puts.summary(), getMs: gets.summary() };
  print(terminal, output, result, () =>
    table(
      ['call', 'count', ...latencyHeadings],
      [
        ['put', count, ...latencyCells(result.putMs)],
        ['get', count, ...latencyCells(result.getMs)],
      ],
    ),
  );
  if (mismatches.length > 0) {
    const shown = mismatches.slice(0, 10).map(({ id, difference }) => `${id}: ${difference}`);
    throw new CliError(
      exitCodes.failure,
      `${mismatches.length} of ${count} episodes came back wrong:\n${shown.join('\n')}`,
    );
  }
}

async function timed<T>(latencies: Latencies, call: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await call();
  } finally {
    latencies.record(performance.now() - start);
  }
}

function missing(error: unknown): string {
  if (error instanceof McpToolError && error.code === 'NOT_FOUND') return 'it is not there';
  throw error;
}
