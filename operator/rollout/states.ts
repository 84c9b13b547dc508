import type { ActionName } from '../api/memory-action.js';
import type { RolloutState } from '../api/rollout-status.js';

interface StateRule {
  readonly next: readonly RolloutState[];
  readonly commands: readonly ActionName[];
}

/**
 * The states of a rollout: which may follow each, and which commands are legal in it. The machine is this table;
 * the model test checks every transition against it.
 */
export const rolloutStates: Readonly<Record<RolloutState, StateRule>> = {
  /** The first revision starts; there is nothing to compare with, so it has no canary. */
  Installing: { next: ['Stable'], commands: [] },
  /** One revision serves every key. `retry` takes the wanted revision off the rejected list. */
  Stable: { next: ['Starting', 'Promoting'], commands: ['retry'] },
  /** The canary's workloads start and its graph is seeded from stable; no key goes to it. */
  Starting: { next: ['Holding', 'Paused', 'RollingBack'], commands: ['pause', 'abort', 'reject'] },
  /** The canary has the share of the present step and is judged at every interval. */
  Holding: {
    next: ['Paused', 'RollingBack', 'Promoting'],
    commands: ['promote', 'pause', 'abort', 'approve', 'reject'],
  },
  /** Nothing moves; the share stays. `run.pause` says why and where it goes on. */
  Paused: {
    next: ['Starting', 'Holding', 'RollingBack', 'Promoting'],
    commands: ['promote', 'resume', 'approve', 'retry', 'abort', 'reject'],
  },
  /** The share goes down, at once or step by step; stable is first brought back if it was already rolled. A canary that
   * never had a key is removed without a drain. `abort` makes a stepwise rollback immediate. */
  RollingBack: { next: ['Draining', 'Removing'], commands: ['abort'] },
  /** The canary takes every key and stable is rolled in place to the new revision; or stable adopts the tuned values. A
   * return to a kept revision has no canary and comes straight from Stable. */
  Promoting: { next: ['Draining', 'Removing', 'Paused', 'RollingBack'], commands: ['abort'] },
  /** No new key goes to the canary; it is fenced and its episodes are copied to stable and compared. */
  Draining: { next: ['Removing'], commands: [] },
  /** Every episode is in stable: the canary leaves the table, then its workloads and data go. */
  Removing: { next: ['Stable'], commands: [] },
};
