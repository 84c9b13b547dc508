import { Option, type Command } from 'commander';
import { withGateway } from '../gateway.js';
import { formats } from '../import/format.js';
import type { ImportOptions } from '../import/import-files.js';
import { outputOption, wholeNumber } from '../output/format.js';
import type { Terminal } from '../terminal.js';

/** `tori import FILES`. */
export function registerImport(program: Command, terminal: Terminal): void {
  program
    .command('import')
    .description('turn mail, documents and chat logs into episodes; running it again stores nothing twice')
    .argument('<files...>', 'files and folders; - reads standard input')
    .addOption(
      new Option('--format <format>', 'what the files hold; default: by name and content').choices(formats),
    )
    .option('--concurrency <count>', 'puts under way at most', wholeNumber(1, 256), 16)
    .addOption(outputOption())
    .action(async (names: readonly string[], options: ImportOptions, command: Command) => {
      // The parsers and the language model take half a second to load, which no other command should wait for.
      const { findAll, importAll } = await import('../import/import-files.js');
      const files = await findAll(names);
      await withGateway(command, terminal, (gateway) => importAll(files, options, gateway, terminal));
    });
}
