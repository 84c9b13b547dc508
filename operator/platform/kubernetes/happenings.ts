import type { MemoryClusterStatus } from '../../api/memory-cluster.js';
import type { RolloutState, RolloutStatus } from '../../api/rollout-status.js';
import { tunableParameters, type Adjustment } from '../../api/tuning-status.js';
import type { EventReason } from './event-reasons.js';

/** Something that people are told by an Event. */
export interface Happening {
  readonly reason: EventReason;
  readonly note: string;
  /** It is about the profile as well. */
  readonly tuning: boolean;
}

const ofState: Readonly<Record<Exclude<RolloutState, 'Stable' | 'Paused'>, EventReason>> = {
  Installing: 'Installing',
  Starting: 'CanaryStarting',
  Holding: 'CanaryHolding',
  RollingBack: 'RollingBack',
  Promoting: 'Promoting',
  Draining: 'Draining',
  Removing: 'RemovingCanary',
};

const ofOutcome = { Promoted: 'Promoted', RolledBack: 'RolledBack', Superseded: 'Superseded' } as const;

/** What a new status tells that people want to know. */
export function happenings(before: MemoryClusterStatus | undefined, after: MemoryClusterStatus): Happening[] {
  return [
    ...invalid(before, after),
    ...rolloutHappenings(before?.rollout, after),
    ...newAdjustments(before, after).map(adjustmentHappening),
    ...proposals(before, after),
  ];
}

/** Changes of parameters that are new in a status, or have a new outcome. */
export function newAdjustments(
  before: MemoryClusterStatus | undefined,
  after: MemoryClusterStatus,
): readonly Adjustment[] {
  const known = before?.tuning?.adjustments ?? [];
  return (after.tuning?.adjustments ?? []).filter(({ id, outcome }) =>
    known.every((one) => one.id !== id || one.outcome !== outcome),
  );
}

function invalid(before: MemoryClusterStatus | undefined, after: MemoryClusterStatus): Happening[] {
  const message = (status: MemoryClusterStatus | undefined) =>
    status?.conditions.find(({ type, reason }) => type === 'Stalled' && reason === 'InvalidSpec')?.message;
  const now = message(after);
  return now === undefined || now === message(before)
    ? []
    : [{ reason: 'InvalidSpec', note: now, tuning: false }];
}

function rolloutHappenings(before: RolloutStatus | undefined, status: MemoryClusterStatus): Happening[] {
  const after = status.rollout;
  if (after === undefined) return [];
  const moved = before?.state !== after.state || before.table.basisPoints !== after.table.basisPoints;
  if (!moved) return [];
  if (after.state !== 'Stable') return [{ reason: reasonOf(after), note: status.message, tuning: false }];
  const [last] = after.history;
  if (last === undefined) return [];
  const installed = before?.state === 'Installing';
  return [
    {
      reason: installed ? 'Installed' : ofOutcome[last.outcome],
      note: `revision ${last.revision}: ${last.reason}`,
      tuning: false,
    },
  ];
}

function reasonOf({ state, run }: RolloutStatus): EventReason {
  if (state === 'Paused') {
    const failed = run?.pause?.reason === 'Failed' || run?.pause?.reason === 'Stuck';
    return failed ? 'RolloutFailed' : 'RolloutPaused';
  }
  return state === 'Stable' ? 'Promoted' : ofState[state];
}

function adjustmentHappening({
  parameter,
  before,
  after,
  rule,
  actor,
  evidence,
  outcome,
}: Adjustment): Happening {
  const by = actor === 'tuner' ? `rule ${rule}` : `rule ${rule}, by ${actor}`;
  const why =
    evidence === undefined
      ? ''
      : `: ${evidence.metric} is ${evidence.value}, threshold ${evidence.threshold}, ${evidence.samples} samples`;
  const note = `${parameter} ${before} → ${after} (${outcome}; ${by})${why}`;
  return { reason: outcome === 'OnTrial' ? 'Tuned' : 'TuningSettled', note, tuning: true };
}

function proposals(before: MemoryClusterStatus | undefined, { tuning }: MemoryClusterStatus): Happening[] {
  return tunableParameters.flatMap((parameter): Happening[] => {
    const state = tuning?.parameters[parameter].state;
    const known = before?.tuning?.parameters[parameter].state;
    if (state?.phase !== 'Proposed') return [];
    if (known?.phase === 'Proposed' && known.proposal.id === state.proposal.id) return [];
    const { id, from, to, rule } = state.proposal;
    const note = `${id}: ${parameter} ${from} → ${to} (rule ${rule})`;
    return [{ reason: 'TuningProposed', note, tuning: true }];
  });
}
