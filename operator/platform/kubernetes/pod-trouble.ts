import type { Pod } from './trim.js';

/** Words of the kubelet that mean no more than that it is still at it. */
const ordinary = new Set(['ContainerCreating', 'PodInitializing']);

/**
 * Why a pod is not ready, for people; undefined when it is. Nothing in it changes while nothing happens, so that a status
 * that tells it is not written again and again.
 */
export function troubleOf(pod: Pod): string | undefined {
  const { conditions = [], containerStatuses = [] } = pod.status ?? {};
  if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return undefined;
  if (pod.metadata.deletionTimestamp !== undefined) return 'is being replaced';
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined) {
    return `${unscheduled.reason ?? 'Unschedulable'}${detail(unscheduled.message)}`;
  }
  const container = containerStatuses.find(({ ready }) => ready !== true);
  return container === undefined ? 'starts' : containerTrouble(container);
}

type Container = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

function containerTrouble({ state, lastState }: Container): string {
  const waiting = state?.waiting;
  const ended = state?.terminated ?? lastState?.terminated;
  if (waiting?.reason !== undefined && !ordinary.has(waiting.reason)) {
    const why = ended === undefined ? detail(withoutTimes(waiting.message)) : detail(deathOf(ended));
    return `${waiting.reason}${why}`;
  }
  if (ended !== undefined) return deathOf(ended);
  return 'starts';
}

function deathOf({ reason, exitCode, message }: { reason?: string; exitCode?: number; message?: string }) {
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  const kind = reason === undefined || reason === 'Error' || reason === 'Completed' ? '' : ` (${reason})`;
  return `ended${code}${kind}${detail(message)}`;
}

/** The back-off of the kubelet grows in its messages. */
function withoutTimes(message: string | undefined): string | undefined {
  return message?.replace(/^(back-off) \d\S* /i, '$1 ');
}

function detail(message: string | undefined): string {
  const text = message?.trim().replaceAll(/\s+/g, ' ') ?? '';
  return text === '' ? '' : `: ${text.slice(0, 300)}`;
}
