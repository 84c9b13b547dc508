import Table from 'cli-table3';
import type { CompletionRow, MemoryBenchResult, RecallRow } from './result.js';

/** Where a run took place, as far as it says something of its times. */
export interface Machine {
  readonly node: string;
  readonly cores: number;
}

const completionHead = ['Method', 'NDCG@20', '± s.e.', 'Edges', 'Of possible'];
const recallHead = ['Method', 'R@1, half', 'R@10, half', 'R@1, three', 'R@10, three'];

/** Both tables for a terminal. */
export function printedTables(result: MemoryBenchResult): string {
  return [
    terminalTable(completionHead, result.completion.map(completionCells)),
    terminalTable(recallHead, result.recall.map(recallCells)),
  ].join('\n');
}

/** The run as a page. */
export function markdownOf(result: MemoryBenchResult, machine: Machine): string {
  const { corpus, parameters, sleep } = result;
  const { pruneThreshold, keptThreshold } = sleep;
  const thresholds =
    keptThreshold === undefined
      ? `${pruneThreshold}`
      : `${pruneThreshold}, then ${keptThreshold.toPrecision(3)} to leave ${100 * parameters.keptShare} %`;
  return `# Does sleep help?

Written by \`npm run bench -- memory\`. Corpus: the SpamAssassin public mail, ${corpus.messages} messages with
${corpus.concepts} concepts; ${corpus.training} to learn from, ${corpus.validation} to choose the baselines' parameters by, ${corpus.test} to measure.

## Completion

A random half of each held-out message's concepts is the cue, the other half is to be found. Candidates for every method
are the ${corpus.vocabulary} concepts that enough of the learned messages hold. Before sleep the memory holds counts and no edge, so
that its completion is popularity. Edges are directed for item-kNN and EASE and undirected for the memory, so that
of the possible edges 1 % is twice as many numbers for EASE as for the memory. The share is that of the candidates' pairs,
although the memory's edges may reach concepts outside them.

${markdownTable(completionHead, result.completion.map(completionCells))}

## Recall

Which of the ${corpus.training} stored messages do some of its concepts come from? Cues are a random half, or three random ones, of the
concepts of ${parameters.recalled} messages; only the very message counts, not one with equal text. Before sleep the memory ranks by
the cue alone, after it by cue and completion as the gateway does.

${markdownTable(recallHead, result.recall.map(recallCells))}

## How it was measured

- Node ${machine.node}, ${machine.cores} cores, ${result.wallSeconds.toFixed(0)} s in all, of which sleep ${sleep.seconds.toFixed(0)} s (${sleep.accepted} of ${sleep.cycles} cycles accepted).
- Seed ${parameters.seed}. Sleep and prune with their default parameters; prune threshold ${thresholds}.
- Chosen on validation: item-kNN with ${parameters.neighbours} neighbours, EASE with λ = ${parameters.lambda} of ${parameters.lambdaTrials.map(({ parameter }) => parameter).join(', ')}.
- BM25 is that of minisearch; TF-IDF is \`ltc\` with cosine. Both see how often a message holds a concept.
`;
}

function completionCells({ method, ndcg, standardError, edges, edgeShare }: CompletionRow): string[] {
  const share = `${(100 * edgeShare).toFixed(2)} %`;
  return [method, ndcg.toFixed(4), standardError.toFixed(4), edges.toLocaleString('en-GB'), share];
}

function recallCells({ method, half, three }: RecallRow): string[] {
  return [method, ...[half.at1, half.at10, three.at1, three.at10].map((share) => share.toFixed(3))];
}

function terminalTable(head: string[], rows: readonly string[][]): string {
  const colAligns = head.map((_, k) => (k === 0 ? 'left' : 'right'));
  const table = new Table({ head, colAligns, style: { head: [], border: [] } });
  table.push(...rows);
  return table.toString();
}

/** Padded as Prettier pads. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, k) => (k === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
