import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ActionName, MemoryAction } from '../../operator/api/memory-action.js';
import { memoryAction } from '../../operator/api/memory-action.js';
import { memoryCluster } from '../../operator/api/memory-cluster.js';
import { apiVersion } from '../../operator/api/resource.js';
import { problemText, validateManifest } from '../../operator/api/validate.js';
import { CliError, exitCodes } from '../exit.js';
import { findResource, readResources, storeOf } from '../local-resources.js';
import { wholeNumber } from '../output/format.js';
import { line, type Terminal } from '../terminal.js';

const answerSeconds = 10;

interface ActionOptions {
  readonly reason: string;
  readonly wait: number;
  readonly proposal?: string;
}

/** What each does, as the help shows it. */
const commands: Readonly<Record<ActionName, string>> = {
  promote: 'take the canary to the next step at once, without waiting for its hold',
  abort: 'end the rollout and go back to the stable revision',
  retry: 'try the wanted revision again after it failed',
  pause: 'stop the rollout where it is',
  resume: 'go on with a paused rollout',
  approve: 'let a gate of the rollout pass, or with --proposal a change that the tuner proposes',
  reject: 'refuse the canary at its gate, or with --proposal a change that the tuner proposes',
};

/** `tori promote`, `abort`, `retry`, `pause`, `resume`, `approve` and `reject`. */
export function registerActions(program: Command, terminal: Terminal): void {
  for (const [action, description] of Object.entries(commands) as [ActionName, string][]) {
    const command = program
      .command(action)
      .description(description)
      .argument('[cluster]', 'MemoryCluster; may be left out where there is one')
      .option('--reason <text>', 'why, for the record', '')
      .option(
        '--wait <seconds>',
        'how long to wait for the answer of the operator',
        wholeNumber(0, 3600),
        answerSeconds,
      )
      .action((cluster: string | undefined, options: ActionOptions) =>
        act(action, cluster, options, terminal),
      );
    if (action === 'approve' || action === 'reject') {
      command.option('--proposal <id>', 'proposal of the tuner: see `tori describe mc NAME`');
    }
  }
}

/** Writes a MemoryAction, as `kubectl create` would, and waits for what the operator says to it. */
async function act(
  action: ActionName,
  cluster: string | undefined,
  { reason, wait, proposal }: ActionOptions,
  terminal: Terminal,
): Promise<void> {
  const target = clusterName(cluster, terminal);
  const manifest = {
    apiVersion,
    kind: 'MemoryAction',
    metadata: { name: `${action}-${randomBytes(4).toString('hex')}` },
    spec: {
      action,
      target: { kind: 'MemoryCluster', name: target },
      ...(proposal !== undefined && { proposal }),
      reason,
      requestedBy: userInfo().username,
    },
  };
  const result = validateManifest(manifest);
  if (!result.ok) throw new CliError(exitCodes.refused, result.problems.map(problemText).join('\n'));
  storeOf(terminal).apply(result.resource, manifest);
  const { name } = manifest.metadata;
  const status = await answerTo(name, wait, terminal);
  if (status === undefined) {
    throw new CliError(
      exitCodes.unreachable,
      `memoryaction/${name}: the operator did not answer within ${wait} s: is \`tori up\` running? The action stays and is taken up when it runs`,
    );
  }
  if (status.outcome === 'Refused') {
    throw new CliError(
      exitCodes.refused,
      `memoryaction/${name}: ${action} of ${target} is refused: ${status.message}`,
    );
  }
  line(terminal.stdout, `memoryaction/${name}: ${status.message}`);
}

function clusterName(wanted: string | undefined, terminal: Terminal): string {
  if (wanted !== undefined) return findResource(terminal, memoryCluster, wanted).metadata.name;
  const clusters = readResources(terminal).filter(({ kind }) => kind === memoryCluster.kind);
  const [only, ...others] = clusters;
  if (only === undefined) throw new CliError(exitCodes.notFound, 'there is no MemoryCluster');
  if (others.length > 0) {
    const names = clusters.map(({ metadata }) => metadata.name).join(', ');
    throw new CliError(exitCodes.usage, `name one of the clusters: ${names}`);
  }
  return only.metadata.name;
}

async function answerTo(name: string, seconds: number, terminal: Terminal): Promise<MemoryAction['status']> {
  const store = storeOf(terminal);
  const deadline = Date.now() + 1000 * seconds;
  for (;;) {
    const found = store
      .read()
      .resources.find((one) => one.kind === memoryAction.kind && one.metadata.name === name);
    const status = found?.status as MemoryAction['status'];
    if (status !== undefined || Date.now() >= deadline) return status;
    await sleep(200, undefined, { signal: terminal.signal });
  }
}
