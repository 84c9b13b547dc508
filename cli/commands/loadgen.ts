import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { McpToolError, type Mcp } from '../../lib/mcpClient/index.js';
import { Duration } from '../../operator/api/duration.js';
import { differenceOf, syntheticEpisode, type Workload } from '../../services/loadgen/episodes.js';
import { runOpenLoop, type Clock } from '../../services/loadgen/open-loop.js';
import { CliError, exitCodes } from '../exit.js';
import { withGateway, type Gateway } from '../gateway.js';
import { outputOption, positiveNumber, print, wholeNumber, type OutputFormat } from '../output/format.js';
import { Latencies, latencyCells, latencyHeadings, type LatencySummary } from '../output/latency.js';
import { liveLine } from '../output/progress.js';
import { table } from '../output/table.js';
import type { Terminal } from '../terminal.js';

interface LoadgenOptions {
  readonly rate: number;
  readonly workers: number;
  readonly concepts: number;
  readonly duration: Duration;
  readonly verify: boolean;
  readonly output: OutputFormat;
}

interface LoadResult {
  readonly offered: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly latencyMs: LatencySummary;
  /** Ids that were acknowledged and are missing or different; absent without `--verify`. */
  readonly wrong?: readonly string[];
}

/** Reads under way while what was stored is checked. */
const concurrentReads = 16;

const clock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** `tori loadgen`. */
export function registerLoadgen(program: Command, terminal: Terminal): void {
  program
    .command('loadgen')
    .description(
      'put synthetic episodes at a steady rate until the duration is over or Ctrl-C; report latencies',
    )
    .option(
      '--rate <per second>',
      'episodes a second, due whether or not earlier ones were answered',
      positiveNumber,
      5,
    )
    .option('--workers <count>', 'puts under way at most', wholeNumber(1, 1000), 4)
    .option('--concepts <count>', 'concepts of each episode', wholeNumber(1, 4096), 200)
    .option('--duration <time>', 'such as 30s, 10m or 24h', duration, Duration.parse('24h'))
    .option('--verify', 'at the end get every acknowledged episode and compare it', false)
    .addOption(outputOption())
    .action(async (options: LoadgenOptions, command: Command) => {
      await withGateway(command, terminal, (gateway) => generateLoad(options, gateway, terminal));
    });
}

async function generateLoad(options: LoadgenOptions, gateway: Gateway, terminal: Terminal): Promise<void> {
  const { rate, workers, concepts, verify, output } = options;
  const workload = { seed: randomInt(2 ** 32), concepts, startMs: Date.now(), intervalMs: 1000 / rate };
  const latencies = new Latencies();
  const acknowledged: number[] = [];
  let failed = 0;
  let lastError: unknown;
  const live = liveLine(terminal);
  await runOpenLoop(
    {
      rate,
      workers,
      durationMs: options.duration.milliseconds,
      send: (k) => put(gateway, workload, k),
      onDone(k, latencyMs, error) {
        if (error === undefined) {
          acknowledged.push(k);
          latencies.record(latencyMs);
        } else {
          failed += 1;
          lastError = error;
        }
        live.show(`${acknowledged.length} acknowledged, ${failed} failed, last ${latencyMs.toFixed(1)} ms`);
      },
    },
    clock,
    terminal.signal,
  );
  live.clear();
  const result: LoadResult = {
    offered: acknowledged.length + failed,
    acknowledged: acknowledged.length,
    failed,
    latencyMs: latencies.summary(),
    ...(verify && { wrong: await wrongOf(gateway, workload, acknowledged) }),
  };
  print(terminal, output, result, () => summary(result));
  const faults = faultsOf(result, lastError);
  if (faults.length > 0) throw new CliError(exitCodes.failure, faults.join('\n'));
}

async function put({ mcp, tenant }: Gateway, workload: Workload, k: number): Promise<void> {
  const { concepts, ...episode } = syntheticEpisode(workload, k);
  await mcp('memory.put', { ...episode, episodeBlob: { concepts }, tenant });
}

/** Reads back what was acknowledged; also after Ctrl-C, which ends the load and not the check. */
async function wrongOf(
  { mcp, tenant }: Gateway,
  workload: Workload,
  stored: readonly number[],
): Promise<string[]> {
  const wrong: string[] = [];
  const remaining = stored.values();
  const check = async (): Promise<void> => {
    for (const k of remaining) {
      const written = syntheticEpisode(workload, k);
      const difference = await readBack(mcp, written.id, tenant).then((read) =>
        read === undefined ? 'it is not there' : differenceOf(written, read),
      );
      if (difference !== undefined) wrong.push(`${written.id}: ${difference}`);
    }
  };
  await Promise.all(Array.from({ length: concurrentReads }, check));
  return wrong;
}

async function readBack(mcp: Mcp, id: string, tenant: string | undefined) {
  try {
    return await mcp('memory.get', { id, tenant });
  } catch (error) {
    if (error instanceof McpToolError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function summary({ offered, acknowledged, failed, latencyMs, wrong }: LoadResult): string {
  const verified = wrong === undefined ? [] : ['wrong'];
  return table(
    ['offered', 'acked', 'failed', ...verified, ...latencyHeadings],
    [
      [
        offered,
        acknowledged,
        failed,
        ...(wrong === undefined ? [] : [wrong.length]),
        ...latencyCells(latencyMs),
      ],
    ],
  );
}

function faultsOf({ failed, wrong = [] }: LoadResult, lastError: unknown): string[] {
  const reason = lastError instanceof Error ? lastError.message : String(lastError);
  return [
    ...(failed > 0 ? [`${failed} episodes were not acknowledged; the last: ${reason}`] : []),
    ...wrong.slice(0, 10),
  ];
}

function duration(text: string): Duration {
  try {
    return Duration.parse(text);
  } catch {
    throw new InvalidArgumentError('Expected a duration such as 30s, 10m or 24h.');
  }
}
