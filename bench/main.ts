import { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { runBusBench } from './bus/run.js';
import { markdownOf, printedTables } from './memory/report.js';
import { runMemoryBench } from './memory/run.js';
import { markdownOf as operatorMarkdown, printedTable } from './operator/report.js';
import { runOperatorBench } from './operator/run.js';

const resultsFolder = join('docs', 'results');
/** Fewer resources or a shorter rest are no result to keep. */
const fullCount = 1_000;
const fullRest = 180;

/** Runs the memory benchmark, prints its tables and, after a full run, writes them where the documentation shows them. */
async function memory({ quick, seed }: { quick: boolean; seed: number }): Promise<void> {
  const result = await runMemoryBench({ quick, seed, onProgress: progress() });
  process.stdout.write(`${printedTables(result)}\n`);
  if (quick) return;
  const machine = { node: process.versions.node, cores: cpus().length };
  await write('memory', markdownOf(result, machine), { ...machine, ...result });
}

interface OperatorOptions {
  readonly count: number;
  readonly rest: number;
  readonly only?: string;
}

/** Runs the operator benchmark, prints its table and, after a full run, writes it where the documentation shows it. */
async function operator({ count, rest, only }: OperatorOptions): Promise<void> {
  const result = await runOperatorBench({
    count,
    restSeconds: rest,
    ...(only !== undefined && { only }),
    onProgress: progress(),
  });
  process.stdout.write(`${printedTable(result)}\n`);
  if (count < fullCount || rest < fullRest || only !== undefined) return;
  const processor = cpus()[0]?.model ?? 'unknown';
  const machine = { node: process.versions.node, cores: cpus().length, processor };
  await write('operator', operatorMarkdown(result, machine), { ...machine, ...result });
}

function progress(): (line: string) => void {
  const startedAt = performance.now();
  return (line) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(5);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
}

async function write(name: string, page: string, data: object): Promise<void> {
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(join(resultsFolder, `${name}.md`), page);
  await writeFile(join(resultsFolder, `${name}.json`), `${JSON.stringify(data, null, 2)}\n`);
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
  .addCommand(
    new Command('operator')
      .description('creation, memory and requests at rest with many resources, beside Flagger; needs Go')
      .option('--count <number>', 'resources for each operator', Number, fullCount)
      .option('--rest <seconds>', 'length of the rest that is measured', Number, fullRest)
      .option('--only <name>', 'one operator alone: Flagger, TORI Memory')
      .action(operator),
  )
  .parseAsync();
