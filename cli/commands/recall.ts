import type { Command } from 'commander';
import type { Cue, RecallResult } from '../../lib/mcpClient/index.js';
import { CliError, exitCodes } from '../exit.js';
import { withGateway, type Gateway } from '../gateway.js';
import { outputOption, print, wholeNumber, type OutputFormat } from '../output/format.js';
import { progressBar } from '../output/progress.js';
import { significant, table } from '../output/table.js';
import { warnOfFailures } from '../output/tracks.js';
import { readText } from '../read-text.js';
import type { Terminal } from '../terminal.js';

interface RecallOptions {
  readonly text?: string;
  readonly batch?: string;
  readonly limit: number;
  readonly output: OutputFormat;
}

/** `tori recall`. */
export function registerRecall(program: Command, terminal: Terminal): void {
  program
    .command('recall')
    .description('what does this bring back: the concepts that belong to it and the episodes that match best')
    .argument('[concepts...]', 'concepts to start from')
    .option('--text <text>', 'start from the concepts of a text')
    .option('--batch <file>', 'ask many: lines {"id", "text"} or {"id", "concepts"}; - reads standard input')
    .option('-k, --limit <count>', 'how many episodes and concepts', wholeNumber(1, 1000), 10)
    .addOption(outputOption())
    .action(async (concepts: readonly string[], options: RecallOptions, command: Command) => {
      if ([options.text, options.batch, concepts[0]].filter((given) => given !== undefined).length !== 1) {
        throw new CliError(exitCodes.usage, 'recall: give concepts, --text or --batch, one of the three');
      }
      await withGateway(command, terminal, async (gateway) => {
        if (options.batch !== undefined) await batch(options.batch, options, gateway, terminal);
        else
          await single(
            options.text === undefined ? { concepts } : { text: options.text },
            options,
            gateway,
            terminal,
          );
      });
    });
}

async function single(
  cue: Cue,
  { limit, output }: RecallOptions,
  { mcp, tenant }: Gateway,
  terminal: Terminal,
): Promise<void> {
  const result = await mcp('memory.recall', { ...cue, k: limit, tenant }, { signal: terminal.signal });
  warnOfFailures(result.failures, terminal);
  const ranked = result.episodes.map(({ id, score }) => ({ id, score }));
  print(terminal, output, ranked, () => remembered(result));
}

/** Prints one array in the order of the cues; people and programs alike read it as JSON or YAML. */
async function batch(
  file: string,
  { limit, output }: RecallOptions,
  gateway: Gateway,
  terminal: Terminal,
): Promise<void> {
  // Loaded here because the language model that it needs takes a while, which a single cue should not wait for.
  const { parseCues, recallAll } = await import('../cues.js');
  const cues = parseCues(await readText(file, terminal), file);
  const bar = progressBar(terminal, 'recall', cues.length);
  const answers = await recallAll(gateway, cues, {
    k: limit,
    signal: terminal.signal,
    onAnswered: (count) => bar.update(count, `${count}/${cues.length}`),
  }).finally(() => bar.stop());
  print(terminal, output === 'yaml' ? 'yaml' : 'json', answers, () => '');
}

function remembered({ completed, episodes }: RecallResult): string {
  const rows = episodes.map(({ id, score, time, source, meta }, index) => [
    index + 1,
    score,
    new Date(time).toISOString().slice(0, 16).replace('T', ' '),
    (meta['subject'] ?? meta['title'] ?? source).slice(0, 60),
    id,
  ]);
  const found =
    rows.length === 0 ? 'No episode matches.' : table(['#', 'score', 'time (utc)', 'about', 'id'], rows);
  if (completed.length === 0) return found;
  const concepts = completed.map(({ concept, score }) => `${concept} ${significant(score)}`).join(', ');
  return `It makes think of: ${concepts}\n\n${found}`;
}
