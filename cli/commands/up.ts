import type { Command } from 'commander';
import { CliError } from '../exit.js';
import type { Terminal } from '../terminal.js';

interface UpCommandOptions {
  readonly headless: boolean;
  readonly demo: boolean;
  readonly filename?: readonly string[];
}

/** `tori up`. */
export function registerUp(program: Command, terminal: Terminal): void {
  program
    .command('up')
    .description('run a whole memory system on this machine until Ctrl-C')
    .option(
      '--headless',
      'print one JSON line with all endpoints when Ready, and nothing else on stdout',
      false,
    )
    .option('--no-demo', 'do not show the system at work on sample mail')
    .option('-f, --filename <file...>', 'manifests to apply at the start')
    .action(async ({ headless, demo, filename = [] }: UpCommandOptions) => {
      const { up } = await import('../up/up.js');
      const exitCode = await up({ headless, demo, files: filename }, terminal.env);
      if (exitCode !== 0) throw new CliError(exitCode, '');
    });
}
