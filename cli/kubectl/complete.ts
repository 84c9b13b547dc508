import type { Command } from 'commander';
import { tunableParameters } from '../../operator/api/tuning-status.js';
import { kubernetesAccess } from '../resources/kubernetes-access.js';
import { line, type Terminal } from '../terminal.js';
import { kubectlProgram } from './program.js';

/** Tells the shell not to offer files (ShellCompDirectiveNoFileComp of cobra, which kubectl passes on). */
const noFiles = ':4';

/**
 * What may follow on the command line, for the completion of kubectl, which starts `kubectl_complete-tori` with the words so
 * far. A cluster that cannot be asked offers nothing: a completion must never disturb.
 * @param words the last one is what has been typed of the word that is completed
 */
export async function complete(words: readonly string[], terminal: Terminal): Promise<void> {
  const typed = words.at(-1) ?? '';
  const offered = await offers(words.slice(0, -1), typed, terminal).catch(() => []);
  for (const word of offered.filter((one) => one.startsWith(typed))) line(terminal.stdout, word);
  line(terminal.stdout, noFiles);
}

async function offers(
  before: readonly string[],
  typed: string,
  terminal: Terminal,
): Promise<readonly string[]> {
  // Words that are no command line yet end nothing and say nothing.
  const program = kubectlProgram(terminal)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  // Takes the options that go before a command, with their values, out of the words.
  const { operands: words } = program.parseOptions([...before]);
  const command = program.commands.find((one) => one.name() === words[0]);
  if (command === undefined) {
    return typed.startsWith('-') ? flags(program) : program.commands.map((one) => one.name());
  }
  if (typed.startsWith('-')) return [...flags(command), ...flags(program)];
  if (command.name() === 'pin' && words.length > 1) return tunableParameters.map((name) => `${name}=`);
  return command.registeredArguments.length === 0 ? [] : names(program, command, terminal);
}

function flags({ options }: Command): string[] {
  return options.flatMap(({ long }) => long ?? []);
}

/** Names of the resources that the command takes. */
async function names(program: Command, command: Command, { env, signal }: Terminal): Promise<string[]> {
  const options = program.opts<{ kubeconfig?: string; context?: string; namespace?: string }>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
  const access = await kubernetesAccess({ ...options, env, signal: limit });
  const found = await access.list(command.name() === 'pin' ? 'TuningProfile' : 'MemoryCluster');
  return found.map(({ metadata }) => metadata.name);
}
