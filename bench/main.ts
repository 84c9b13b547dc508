import { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { runBusBench } from './bus/run.js';
import { markdownOf, printedTables } from './memory/report.js';
import { runMemoryBench } from './memory/run.js';

const resultsFolder = join('docs', 'results');

/** Runs the memory benchmark, prints its tables and, after a full run, writes them where the documentation shows them. */
async function memory({ quick, seed }: { quick: boolean; seed: number }): Promise<void> {
  const startedAt = performance.now();
  const onProgress = (line: string) =>
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);
  const result = await runMemoryBench({ quick, seed, onProgress });
  process.stdout.write(`${printedTables(result)}\n`);
  if (quick) return;
  const machine = { node: process.versions.node, cores: cpus().length };
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(join(resultsFolder, 'memory.md'), markdownOf(result, machine));
  await writeFile(
    join(resultsFolder, 'memory.json'),
    `${JSON.stringify({ ...machine, ...result }, null, 2)}\n`,
  );
}

/** Runs the benchmark of the event bus and prints it. */
async function bus({ events, rounds }: { events: number; rounds: number }): Promise<void> {
  const result = await runBusBench(events, rounds);
  process.stdout.write(
    `${JSON.stringify({ node: process.versions.node, cores: cpus().length, events, rounds, ...result }, null, 2)}\n`,
  );
}

await new Command('bench')
  .description('Benchmarks. Run from the root of the checkout.')
  .addCommand(
    new Command('memory')
      .description('completion and recall, before and after sleep, beside other methods')
      .option('--quick', 'a small part of the corpus; writes no results', false)
      .option('--seed <number>', 'seed of every random choice', Number, 1)
      .action(memory),
  )
  .addCommand(
    new Command('bus')
      .description('events a second through the embedded bus and through Redis; needs redis-server')
      .option('--events <number>', 'events of a round', Number, 100_000)
      .option('--rounds <number>', 'rounds, of which the median is taken', Number, 3)
      .action(bus),
  )
  .parseAsync();
