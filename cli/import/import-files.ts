import { CliError, exitCodes } from '../exit.js';
import type { Gateway } from '../gateway.js';
import type { Broken, Parsed } from './episode.js';
import { findFiles } from './files.js';
import type { Format } from './format.js';
import { readInput } from './formats.js';
import { putEpisodes, type PutCounts } from './put-episodes.js';
import { counted, fileInput, type FoundFile, type Input } from './input.js';
import { print, type OutputFormat } from '../output/format.js';
import { progressBar, type ProgressBar } from '../output/progress.js';
import { table } from '../output/table.js';
import { line, type Terminal } from '../terminal.js';

/** What `tori import` was asked for. */
export interface ImportOptions {
  readonly format?: Format;
  readonly concurrency: number;
  readonly output: OutputFormat;
}

/** Warnings that are printed; the others are counted. */
const shownWarnings = 20;

/** Files behind the names; undefined stands for standard input. @throws CliError for a name that does not exist */
export async function findAll(names: readonly string[]): Promise<(FoundFile | undefined)[]> {
  const found: (FoundFile | undefined)[] = [];
  for (const name of names) {
    if (name === '-') found.push(undefined);
    else found.push(...(await findFiles([name]).catch(notFound)));
  }
  return found;
}

function notFound(cause: Error): never {
  throw new CliError(exitCodes.notFound, cause.message, { cause });
}

/**
 * Imports files and prints what became of them.
 * @throws CliError when an episode was refused, or nothing was found
 */
export async function importAll(
  files: readonly (FoundFile | undefined)[],
  { format, concurrency, output }: ImportOptions,
  { mcp, tenant }: Gateway,
  terminal: Terminal,
): Promise<void> {
  const startedAt = Date.now();
  const bar = progressBar(
    terminal,
    'import',
    files.reduce((sum, file) => sum + (file?.bytes ?? 0), 0),
  );
  let skipped = 0;
  const onSkipped = (what: Broken | { readonly id: string; readonly reason: string }): void => {
    skipped += 1;
    if (skipped <= shownWarnings) line(terminal.stderr, `warning: ${placeOf(what)}: ${what.reason}`);
    if (skipped === shownWarnings + 1)
      line(terminal.stderr, 'warning: more were skipped; the summary counts them');
  };
  const counts = await putEpisodes(readFiles(files, format, bar, terminal), {
    mcp,
    tenant,
    concurrency,
    signal: terminal.signal,
    onSkipped,
  }).finally(() => bar.stop());
  const seconds = (Date.now() - startedAt) / 1000;
  print(terminal, output, { files: files.length, ...counts, seconds }, () =>
    summary(counts, files.length, seconds),
  );
  if (counts.refused > 0) throw new CliError(exitCodes.refused, `${counts.refused} episodes were refused`);
  if (counts.stored + counts.known + counts.kept === 0)
    throw new CliError(exitCodes.refused, 'nothing to import was found');
}

async function* readFiles(
  files: readonly (FoundFile | undefined)[],
  format: Format | undefined,
  bar: ProgressBar,
  { stdin }: Terminal,
): AsyncGenerator<Parsed> {
  let bytes = 0;
  for (const file of files) {
    const input: Input =
      file === undefined ? { name: '-', modified: Date.now(), chunks: stdin } : fileInput(file);
    const read = counted(input, (count) => bar.update((bytes += count), input.name));
    yield* readInput(read, format);
  }
}

function placeOf(skipped: Broken | { readonly id: string }): string {
  return 'id' in skipped ? skipped.id : `${skipped.file}, byte ${skipped.offset}`;
}

function summary(
  { stored, known, kept, refused, broken }: PutCounts,
  files: number,
  seconds: number,
): string {
  const rows = [
    ['stored', stored, ''],
    ['known', known, 'the same was stored before'],
    ['kept', kept, 'another content is stored under the same id; it stays'],
    ['refused', refused, 'by the gateway'],
    ['skipped', broken, 'not understood'],
  ] as const;
  const shown = rows.filter(([name, count]) => name === 'stored' || count > 0);
  return `${table(['episodes', 'count', ''], shown)}\n${files} files in ${seconds.toFixed(1)} s`;
}
