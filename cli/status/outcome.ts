import { isTrue } from '../../operator/api/conditions.js';
import { revisionOf, templateOf } from '../../operator/cluster/revision.js';
import { exitCodes } from '../exit.js';
import type { Stored } from '../resources/access.js';

/** What `status --timeout` can wait for. */
export const goals = ['promoted', 'ready'] as const;
export type Goal = (typeof goals)[number];

/** An end that a pipeline acts on. */
export interface Outcome {
  readonly exitCode: number;
  readonly text: string;
}

/**
 * How it went with the present spec; undefined while that is open. A status about an older generation says nothing.
 *
 * `promoted`: the wanted revision serves every key. `ready`: Ready is True, which by `waitPolicy: untilServing` includes a
 * good canary.
 */
export function outcomeOf(cluster: Stored<'MemoryCluster'>, goal: Goal): Outcome | undefined {
  const { status, metadata } = cluster;
  if (status === undefined || status.observedGeneration < metadata.generation) return undefined;
  return rolledBack(cluster) ?? stalled(cluster) ?? reached(cluster, goal);
}

function rolledBack({ status, spec }: Stored<'MemoryCluster'>): Outcome | undefined {
  const { rollout } = status ?? {};
  const wanted = revisionOf(templateOf(spec));
  const rejected = rollout?.rejectedRevisions.find(({ revision }) => revision === wanted);
  if (rejected === undefined || rollout?.stableRevision === wanted) return undefined;
  return { exitCode: exitCodes.rolledBack, text: `revision ${wanted} was rolled back: ${rejected.reason}` };
}

function stalled({ status }: Stored<'MemoryCluster'>): Outcome | undefined {
  const found = status?.conditions.find(({ type, status: is }) => type === 'Stalled' && is === 'True');
  return found && { exitCode: exitCodes.stalled, text: `${found.reason}: ${found.message}` };
}

function reached({ status, spec }: Stored<'MemoryCluster'>, goal: Goal): Outcome | undefined {
  if (status === undefined || !isTrue(status.conditions, 'Ready')) return undefined;
  const wanted = revisionOf(templateOf(spec));
  const { stableRevision, run } = status.rollout ?? {};
  // A canary of the tuner is no rollout of the spec.
  const promoted = stableRevision === wanted && (run === undefined || run.kind === 'Tuning');
  if (promoted) return { exitCode: exitCodes.ok, text: `revision ${wanted} serves every key` };
  return goal === 'ready' ? { exitCode: exitCodes.ok, text: `Ready: ${status.message}` } : undefined;
}
