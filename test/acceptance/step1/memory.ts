import { printedTables } from '../../../bench/memory/report.js';
import { runMemoryBench } from '../../../bench/memory/run.js';
import type { Report } from '../report.js';

/** Does sleep help? Prints the tables of the memory benchmark, whatever they say. */
export async function memory(report: Report): Promise<void> {
  const result = await runMemoryBench();
  console.log(printedTables(result));
  const rows = result.completion.map(({ method, ndcg }) => `${method} ${ndcg.toFixed(3)}`);
  report.check('completion was measured for every method', rows.length >= 6, rows.join(', '));
  report.check(
    'recall was measured for every method',
    result.recall.length >= 4,
    `${result.recall.length} methods`,
  );
}
