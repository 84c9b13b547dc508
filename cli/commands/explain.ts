import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { explanation } from '../explain/explanation.js';
import { profileOf, requireCluster } from '../resources/find.js';
import { line } from '../terminal.js';

/** `explain [CLUSTER]`: the reasons of the last decisions, with their numbers. */
export function registerExplain(program: Command, { terminal, self, open }: CommandContext): void {
  program
    .command('explain')
    .description(
      'why a canary passed, failed or waits, metric by metric, and why a parameter was (not) tuned',
    )
    .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
    .action(async (name: string | undefined) => {
      const access = await open();
      const cluster = await requireCluster(access, name);
      const profile = await profileOf(access, cluster);
      line(terminal.stdout, explanation(cluster, profile, { now: Date.now(), self }));
    });
}
