import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import type { ActionName, MemoryAction } from '../../operator/api/memory-action.js';
import { memoryAction } from '../../operator/api/memory-action.js';
import { actionTexts } from '../action-texts.js';
import type { CommandContext } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { wholeNumber } from '../output/format.js';
import type { ResourceAccess, Stored } from '../resources/access.js';
import { requireCluster } from '../resources/find.js';
import { line, type Terminal } from '../terminal.js';

const answerSeconds = 30;

interface ActionOptions {
  readonly reason: string;
  /** Seconds; false with --no-wait. */
  readonly wait: number | false;
  readonly proposal?: string;
}

/** `promote`, `abort`, `retry`, `pause`, `resume`, `approve` and `reject`. */
export function registerActions(program: Command, context: CommandContext): void {
  for (const [action, description] of Object.entries(actionTexts) as [ActionName, string][]) {
    const command = program
      .command(action)
      .description(description)
      .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
      .requiredOption('--reason <text>', 'why, for the record')
      .option(
        '--wait <seconds>',
        'how long to wait for the answer of the operator',
        wholeNumber(0, 3600),
        answerSeconds,
      )
      .option('--no-wait', 'return as soon as the command is recorded')
      .action((cluster: string | undefined, options: ActionOptions) =>
        act(action, cluster, options, context),
      );
    if (action === 'approve' || action === 'reject') {
      command.option('--proposal <id>', `proposal of the tuner: see \`${context.self} status\``);
    }
  }
}

/** Records a MemoryAction and tells what the operator says to it. */
async function act(
  action: ActionName,
  clusterName: string | undefined,
  options: ActionOptions,
  { terminal, open }: CommandContext,
): Promise<void> {
  if (options.reason.trim() === '') throw new CliError(exitCodes.usage, '--reason: say why, for the record');
  const access = await open();
  const cluster = await requireCluster(access, clusterName);
  const made = await record({ action, cluster, options }, access, terminal);
  const { name } = made.metadata;
  if (options.wait === false) {
    line(terminal.stdout, `memoryaction/${name}`);
    return;
  }
  const status = await answerTo(made, options.wait, { access, signal: terminal.signal });
  if (status === undefined) {
    throw new CliError(
      exitCodes.unreachable,
      `memoryaction/${name}: the operator did not answer within ${options.wait} s: ${access.operatorHint} The action stays and is taken up when it runs`,
    );
  }
  if (status.outcome === 'Refused') {
    throw new CliError(
      exitCodes.refused,
      `memoryaction/${name}: ${action} of ${cluster.metadata.name} is refused: ${status.message}`,
    );
  }
  line(terminal.stdout, `memoryaction/${name}: ${status.message}`);
}

interface Wanted {
  readonly action: ActionName;
  readonly cluster: Stored<'MemoryCluster'>;
  readonly options: ActionOptions;
}

/** Makes the action, or joins the same one that is not answered yet. */
async function record(
  { action, cluster, options }: Wanted,
  access: ResourceAccess,
  { stderr }: Terminal,
): Promise<Stored<'MemoryAction'>> {
  const { name: target } = cluster.metadata;
  const { proposal, reason } = options;
  const alike = (await access.list('MemoryAction')).filter(
    ({ spec }) =>
      spec.action === action &&
      spec.target.kind === 'MemoryCluster' &&
      spec.target.name === target &&
      spec.proposal === proposal,
  );
  const open = alike.find(({ status }) => status === undefined);
  if (open !== undefined) return joined(open, stderr);
  const spec = {
    action,
    target: { kind: 'MemoryCluster', name: target } as const,
    ...(proposal !== undefined && { proposal }),
    reason,
    requestedBy: await access.whoAmI(),
  };
  const made = await access.createAction({ name: nameOf({ action, cluster, options }, alike), spec });
  return made.created ? made.action : joined(made.action, stderr);
}

function joined(action: Stored<'MemoryAction'>, stderr: Terminal['stderr']): Stored<'MemoryAction'> {
  const { requestedBy, reason } = action.spec;
  line(
    stderr,
    `${memoryAction.singular}/${action.metadata.name} asks for that already, by ${requestedBy} ("${reason}"); nothing new was made`,
  );
  return action;
}

/**
 * A name that the same command gives again until it is answered: made of the cluster, the command and the last answered
 * one like it. Two people who give it at the same moment meet at one object.
 */
function nameOf({ action, cluster, options }: Wanted, alike: readonly Stored<'MemoryAction'>[]): string {
  const [newest] = alike.toSorted((a, b) =>
    a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1,
  );
  const seed = [cluster.metadata.uid, action, options.proposal ?? '', newest?.metadata.uid ?? ''];
  const hash = createHash('sha256').update(seed.join('\n')).digest('hex').slice(0, 10);
  return `${cluster.metadata.name.slice(0, 40).replace(/-+$/, '')}-${action}-${hash}`;
}

async function answerTo(
  action: Stored<'MemoryAction'>,
  seconds: number,
  { access, signal }: { readonly access: ResourceAccess; readonly signal: AbortSignal },
): Promise<MemoryAction['status']> {
  const end = new AbortController();
  const until = AbortSignal.any([signal, end.signal, AbortSignal.timeout(1000 * seconds)]);
  try {
    for await (const now of access.watch('MemoryAction', action.metadata.name, until)) {
      if (now === undefined) throw new CliError(exitCodes.notFound, `${action.metadata.name} was deleted`);
      if (now.status !== undefined) return now.status;
    }
  } finally {
    end.abort();
  }
  signal.throwIfAborted();
  return undefined;
}
