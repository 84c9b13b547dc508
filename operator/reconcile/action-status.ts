import { setConditions } from '../api/conditions.js';
import type { MemoryAction, MemoryActionStatus } from '../api/memory-action.js';
import type { TuningProfile } from '../api/tuning-profile.js';
import type { MemoryCluster } from '../api/memory-cluster.js';
import type { ActionAnswer } from '../cluster/decide.js';

/** Answered actions that are kept, for the record. */
export const keptActions = 50;

/** The status of an action that was answered. */
export function actionStatus(generation: number, answer: ActionAnswer, now: Date): MemoryActionStatus {
  const { outcome, message } = answer;
  const ready = { type: 'Ready', status: 'True', reason: outcome, message } as const;
  return {
    observedGeneration: generation,
    outcome,
    message,
    handledAt: now.toISOString(),
    conditions: setConditions([], [ready], { generation, now }),
  };
}

/** Whether an action is about a cluster or a proposal of its profile. */
export function concerns(
  { spec }: MemoryAction,
  cluster: MemoryCluster,
  profile: TuningProfile | undefined,
): boolean {
  const target = spec.target.kind === 'MemoryCluster' ? cluster : profile;
  return target?.metadata.name === spec.target.name;
}

interface Dated {
  readonly metadata: { readonly creationTimestamp?: string; readonly name: string };
}

/** Oldest first. */
export function byAge(a: Dated, b: Dated): number {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return first === second ? a.metadata.name.localeCompare(b.metadata.name) : first < second ? -1 : 1;
}
