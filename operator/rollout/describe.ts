import type { RolloutSpec } from '../api/rollout-spec.js';
import type { RolloutState, RolloutStatus, Run } from '../api/rollout-status.js';

/** What happens now and what comes next, in one sentence; no figure in it moves while nothing happens. */
export function describe(rollout: RolloutSpec, status: RolloutStatus): string {
  const { run } = status;
  if (run === undefined) return `revision ${status.stableRevision ?? 'none'} serves every key`;
  return sentences[status.state](run, status, rollout);
}

type Sentence = (run: Run, status: RolloutStatus, rollout: RolloutSpec) => string;

const sentences: Readonly<Record<RolloutState, Sentence>> = {
  Installing: ({ revision }) => `the first revision ${revision} starts`,
  Stable: ({ revision }) => `revision ${revision} serves every key`,
  Starting: ({ revision, deadline }) =>
    `the canary ${revision} starts and is seeded; it has until ${deadline ?? 'it is ready'}`,
  Holding: holding,
  Paused: ({ pause }) => `paused (${pause?.reason ?? 'unknown'}): ${pause?.message ?? ''}`,
  RollingBack: ({ revision, reason }) => `revision ${revision} is rolled back: ${reason ?? 'a step failed'}`,
  Promoting: ({ revision, kind }) =>
    kind === 'Tuning' ? `stable adopts the values of ${revision}` : `stable is rolled to ${revision}`,
  Draining: ({ revision, rescue }) =>
    `the episodes of the canary ${revision} are copied to stable${rescue ? ', by the revision of stable' : ''}`,
  Removing: ({ revision }) => `the canary ${revision} is drained and goes`,
};

function holding(
  { revision, eligibleAt, lastVerdict }: Run,
  status: RolloutStatus,
  rollout: RolloutSpec,
): string {
  const share = `${weightText(status)} of the keys at ${revision}, step ${stepText(status, rollout)}`;
  if (eligibleAt === undefined) return `${share}; waits for the gateway to serve it`;
  const verdict =
    lastVerdict === undefined
      ? ''
      : `; last verdict ${lastVerdict.verdict}: ${lastVerdict.reasons.join('; ')}`;
  return `${share}, hold until ${eligibleAt}${verdict}`;
}

/** The share of the canary, such as `1%`. */
export function weightText({ table }: RolloutStatus): string {
  return `${table.basisPoints / 100}%`;
}

/** The step of a run, such as `2/3`. */
export function stepText({ run }: RolloutStatus, { steps }: RolloutSpec): string {
  return `${Math.min((run?.step ?? 0) + 1, steps.length)}/${steps.length}`;
}

/** The hold of the step that a run is at, such as `48h`. */
export function holdText({ run }: RolloutStatus, { steps }: RolloutSpec): string {
  return steps[run?.step ?? 0]?.hold ?? '0s';
}
