import { setMaxListeners } from 'node:events';
import { Command, CommanderError, Option } from 'commander';
import { registerApply } from './commands/apply.js';
import { registerBackup } from './commands/backup.js';
import { registerDescribe } from './commands/describe.js';
import { registerDown } from './commands/down.js';
import { registerGet } from './commands/get.js';
import { registerImport } from './commands/import.js';
import { registerLoadgen } from './commands/loadgen.js';
import { registerModes } from './commands/modes.js';
import { registerPrune } from './commands/prune.js';
import { registerPutGetLoop } from './commands/put-get-loop.js';
import { registerRecall } from './commands/recall.js';
import { registerTrigger } from './commands/trigger.js';
import { registerUp } from './commands/up.js';
import { registerVersion } from './commands/version.js';
import type { CommandContext } from './context.js';
import { exitCodeOf, exitCodes } from './exit.js';
import { sharedRegistrations } from './kubectl/program.js';
import { localAccess } from './resources/local-access.js';
import { line, type Terminal } from './terminal.js';

/** Adds one command, or a few of a kind, to the program. Its action throws {@link CliError} for any end but 0. */
export type Registration = (program: Command, terminal: Terminal) => void;

const registrations: readonly Registration[] = [
  registerUp,
  registerDown,
  registerApply,
  registerGet,
  registerDescribe,
  registerImport,
  registerRecall,
  registerTrigger,
  registerPrune,
  registerModes,
  registerPutGetLoop,
  registerLoadgen,
  registerBackup,
  registerVersion,
];

const help = `
Environment:
  TORI_HOME          state folder (default ~/.tori)
  TORI_PORT_OFFSET   shifts every port
  TORI_URL, TORI_API_KEY_FILE, TORI_TENANT   as the options above; TORI_API_KEY is the key itself

Exit codes:
  0 ok   1 failure   2 usage   3 not found   4 refused or invalid   5 unreachable   10-12 outcomes of \`status --timeout\`
  78 environment   130 interrupted`;

/**
 * Runs one command line.
 * @param args without the program's name
 * @param programOf the program that reads it: `tori`, or the kubectl plugin
 * @returns the exit code; every failure has been told in a line on stderr
 */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  programOf: (terminal: Terminal) => Command = toriProgram,
): Promise<number> {
  const program = programOf(terminal);
  program
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    });
  for (const command of program.commands) command.copyInheritedSettings(program);
  // Every call under way listens to it.
  setMaxListeners(0, terminal.signal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (terminal.signal.aborted) return exitCodes.interrupted;
    report(error, program.opts<{ debug?: boolean }>().debug === true, terminal);
    return exitCodeOf(error);
  }
}

function toriProgram(terminal: Terminal): Command {
  const { env } = terminal;
  const program = new Command('tori')
    .description('The memory of AI agents: run it, feed it, ask it.')
    .addOption(option('--url <url>', 'MCP endpoint of the gateway (default: this machine)', env['TORI_URL']))
    .addOption(
      option(
        '--api-key-file <file>',
        'file with the API key (default: secrets/api-key of TORI_HOME)',
        env['TORI_API_KEY_FILE'],
      ),
    )
    .addOption(option('--tenant <name>', 'whose memory', env['TORI_TENANT']))
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', help);
  const context: CommandContext = {
    terminal,
    self: 'tori',
    namespaces: false,
    open: () => Promise.resolve(localAccess(terminal)),
  };
  for (const register of registrations) register(program, terminal);
  for (const register of sharedRegistrations) register(program, context);
  return program;
}

function option(flags: string, description: string, fallback: string | undefined): Option {
  const added = new Option(flags, description);
  return fallback === undefined || fallback === '' ? added : added.default(fallback);
}

function report(error: unknown, debug: boolean, { stderr }: Terminal): void {
  if (!(error instanceof Error)) line(stderr, `tori: ${String(error)}`);
  else if (debug) line(stderr, error.stack ?? error.message);
  else if (error.message !== '') line(stderr, error.message);
}
