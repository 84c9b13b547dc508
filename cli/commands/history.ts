import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { historyOf, type HistoryEntry } from '../history/entries.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import { significant, table } from '../output/table.js';
import { short } from '../output/time.js';
import { requireCluster } from '../resources/find.js';

/** `history [CLUSTER]`: rollouts, adjustments and commands with who, why and what became of them. */
export function registerHistory(program: Command, { terminal, open }: CommandContext): void {
  program
    .command('history')
    .description('rollouts, tuning and commands with rule, evidence, actor and outcome, newest first')
    .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (name: string | undefined, { output }: { output: OutputFormat }) => {
      const cluster = await requireCluster(await open(), name);
      const entries = historyOf(cluster);
      print(terminal, output, { cluster: cluster.metadata.name, entries }, () => historyTable(entries));
    });
}

function historyTable(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return 'Nothing happened yet.';
  return table(
    ['at', 'kind', 'subject', 'change', 'by', 'outcome', 'why'],
    entries.map((entry) => [
      short(entry.at),
      entry.kind,
      entry.subject,
      change(entry),
      entry.actor,
      entry.outcome,
      `${entry.reason}${effect(entry)}`,
    ]),
  );
}

function change({ before, after, rule }: HistoryEntry): string {
  if (before === undefined || after === undefined) return '-';
  return `${significant(before)} → ${significant(after)} (${rule ?? '-'})`;
}

function effect({ objective }: HistoryEntry): string {
  if (objective?.after === undefined) return '';
  const { metric, before, after } = objective;
  return `; ${metric} ${significant(before.value)} → ${significant(after.value)}`;
}
