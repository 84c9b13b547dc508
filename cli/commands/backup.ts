import type { Command } from 'commander';
import { backUp, restore, type BackupManifest } from '../../services/common/storage/backup.js';
import { forgetEpoch } from '../../services/episodic-vault/storage/restored.js';
import { outputOption, print, type OutputFormat } from '../output/format.js';
import { table } from '../output/table.js';
import type { Terminal } from '../terminal.js';

const backupHelp = `
The service may run and write meanwhile, on the same machine or in the same container: the copy is of one moment.
Copy sparse-pruner before episodic-vault: the graph's place in the vault's log must exist in the copy of the vault.`;

const restoreHelp = `
The service must not run. A vault forgets the newest shard table it has seen, because another cluster counts its own.
With --in-place only that is done: for data that came by a snapshot of the volume.`;

/** `tori backup` and `tori restore`: the data folder of one service. */
export function registerBackup(program: Command, terminal: Terminal): void {
  program
    .command('backup')
    .description('copy the databases of one service, with their digests')
    .argument('<data>', "the service's DATA_DIR")
    .argument('<backup>', 'a new folder')
    .addOption(outputOption())
    .addHelpText('after', backupHelp)
    .action(async (data: string, backup: string, { output }: { output: OutputFormat }) => {
      show(terminal, output, await backUp(data, backup, new Date()));
    });
  program
    .command('restore')
    .description('put a backup into the empty data folder of a service')
    .argument('<backup>', 'what `tori backup` wrote; with --in-place the DATA_DIR itself')
    .argument('[data]', "the service's DATA_DIR")
    .option('--in-place', 'the data is there already')
    .addOption(outputOption())
    .addHelpText('after', restoreHelp)
    .action(async (from: string, to: string | undefined, options: RestoreOptions, command: Command) => {
      const inPlace = options.inPlace === true;
      if (inPlace === (to !== undefined)) command.error('give either DATA or --in-place');
      if (to !== undefined) show(terminal, options.output, await restore(from, to));
      const isVault = await forgetEpoch(to ?? from);
      if (inPlace && !isVault)
        command.error(`${from}: expected the data folder of a vault, with vault.mdb in it`);
    });
}

interface RestoreOptions {
  readonly inPlace?: boolean;
  readonly output: OutputFormat;
}

function show(terminal: Terminal, output: OutputFormat, manifest: BackupManifest): void {
  print(terminal, output, manifest, () =>
    table(
      ['file', 'bytes', 'sha256', 'entries'],
      manifest.files.map(({ name, bytes, sha256, entries }) => [
        name,
        bytes,
        sha256.slice(0, 16),
        Object.entries(entries)
          .map(([key, count]) => `${key} ${count}`)
          .join(', '),
      ]),
    ),
  );
}
