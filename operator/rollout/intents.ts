import type { RolloutSpec } from '../api/rollout-spec.js';
import type { RolloutStatus, Run } from '../api/rollout-status.js';
import { stepOf } from './transitions.js';

/**
 * What the platform has to bring about. Intents are levels, not edges: they are derived anew from the stored
 * status on every decision, and carrying one out twice changes nothing.
 */
export type Intent =
  /** Run the workloads of a track at a revision; with tuned values on top for a tuning canary. */
  | {
      readonly type: 'runTrack';
      readonly track: 'stable' | 'canary';
      readonly revision: string;
      /** Hash of the template to start, a key of `status.revisions`. */
      readonly template: string;
      readonly parameters?: Readonly<Record<string, number>>;
    }
  /** Import a snapshot of the stable graph into the canary. */
  | { readonly type: 'seedCanary'; readonly revision: string }
  /** Write the shard table with exactly this epoch and content. */
  | {
      readonly type: 'publishTable';
      readonly epoch: number;
      readonly basisPoints: number;
      readonly canary: boolean;
    }
  /** Run consolidation cycles on the canary until this many were done in the step. */
  | { readonly type: 'forceSleep'; readonly atLeast: number }
  /** Make stable use these values by UpdateParameters, and report the generation. */
  | {
      readonly type: 'adoptTuning';
      readonly generation: number;
      readonly parameters: Readonly<Record<string, number>>;
    }
  /** Fence the canary's vault at the epoch and copy it to stable until both agree. */
  | { readonly type: 'drain'; readonly epoch: number }
  /** Stop the canary's workloads and delete its data. */
  | { readonly type: 'removeCanary' };

/**
 * Everything the platform has to bring about in this state, derived from the stored status alone: a process that was
 * killed after writing the status, at any point of carrying the intents out, derives the same ones again.
 */
export function intentsOf(rollout: RolloutSpec, status: RolloutStatus): Intent[] {
  const { table, run } = status;
  const publish: Intent = { type: 'publishTable', ...table };
  const stable = stableTrack(status);
  if (run === undefined) return [...stable, publish];
  return [...stable, ...canaryTrack(status, run), publish, ...duties(rollout, status, run)];
}

function stableTrack(status: RolloutStatus): Intent[] {
  const revision = rollsStable(status) ? status.run?.revision : status.stableRevision;
  return revision === undefined ? [] : [{ type: 'runTrack', track: 'stable', revision, template: revision }];
}

/** While it is being promoted, and the gateway has confirmed the share, stable already runs the new revision. */
function rollsStable({ state, run }: RolloutStatus): boolean {
  if (state === 'Installing') return true;
  const promoting = state === 'Promoting' || (state === 'Paused' && run?.pause?.from === 'Promoting');
  return promoting && run?.kind !== 'Tuning' && run?.stepStartedAt !== undefined;
}

function canaryTrack({ state, stableRevision }: RolloutStatus, run: Run): Intent[] {
  if (!hasCanary(run, state)) return [];
  const own = run.kind === 'Tuning' ? stableRevision : run.revision;
  const template = (run.rescue ? stableRevision : own) ?? run.revision;
  const parameters = run.tuning === undefined ? {} : { parameters: run.tuning.parameters };
  return [{ type: 'runTrack', track: 'canary', revision: run.revision, template, ...parameters }];
}

function hasCanary(run: Run, state: RolloutStatus['state']): boolean {
  if (run.kind === 'Return' || state === 'Installing') return false;
  return state !== 'Removing' || run.stepStartedAt === undefined;
}

/** What is particular to a state; most of it only once the gateways serve the table. */
function duties(rollout: RolloutSpec, { state, table }: RolloutStatus, run: Run): Intent[] {
  if (state === 'Starting') return [{ type: 'seedCanary', revision: run.revision }];
  if (state === 'Promoting') return run.tuning === undefined ? [] : [{ type: 'adoptTuning', ...run.tuning }];
  if (run.stepStartedAt === undefined) return [];
  if (state === 'Holding') return [{ type: 'forceSleep', atLeast: stepOf(rollout, run).minSleeps }];
  if (state === 'Draining') return [{ type: 'drain', epoch: table.epoch }];
  return state === 'Removing' ? [{ type: 'removeCanary' }] : [];
}
