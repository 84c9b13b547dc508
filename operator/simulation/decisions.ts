import type { RolloutStatus, Verdict } from '../api/rollout-status.js';
import type { Adjustment, Proposal, TunableParameter } from '../api/tuning-status.js';
import type { Condition } from '../api/resource.js';
import type { MemoryClusterStatus } from '../api/memory-cluster.js';
import type { TuneResult } from '../tuning/tune.js';

/** Something that the operator would have decided, when, and on which numbers. */
export type SimulatedDecision = { readonly at: string } & (
  | { readonly kind: 'tuning'; readonly adjustment: Adjustment }
  | { readonly kind: 'proposal'; readonly proposal: Proposal & { readonly parameter: TunableParameter } }
  | {
      readonly kind: 'rollout';
      readonly from: string;
      readonly to: string;
      /** Share of the canary from now on, in 1/10000. */
      readonly basisPoints: number;
      readonly reason: string;
    }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | {
      readonly kind: 'condition';
      readonly condition: string;
      readonly status: string;
      readonly reason: string;
    }
);

/** What one pass changed. */
export interface Pass {
  readonly before: MemoryClusterStatus | undefined;
  readonly after: MemoryClusterStatus;
  readonly tuning: TuneResult | undefined;
  readonly now: Date;
}

/** The decisions of one pass, in the order in which they were made. */
export function decisionsOf(pass: Pass): SimulatedDecision[] {
  const at = pass.now.toISOString();
  return [...tuningDecisions(pass, at), ...rolloutDecisions(pass, at), ...conditionDecisions(pass, at)];
}

function tuningDecisions({ before, tuning }: Pass, at: string): SimulatedDecision[] {
  if (tuning === undefined) return [];
  const open = Object.values(before?.tuning?.parameters ?? {}).flatMap(({ state }) =>
    state.phase === 'Proposed' ? [state.proposal.id] : [],
  );
  return [
    ...tuning.adjustments.map((adjustment) => ({ at, kind: 'tuning' as const, adjustment })),
    ...tuning.proposals
      .filter(({ id }) => !open.includes(id))
      .map((proposal) => ({ at, kind: 'proposal' as const, proposal })),
  ];
}

function rolloutDecisions({ before, after }: Pass, at: string): SimulatedDecision[] {
  const [was, is] = [before?.rollout, after.rollout];
  if (was === undefined || is === undefined) return [];
  return [...verdictDecision(was, is, at), ...transitionDecision(was, is, at)];
}

function verdictDecision(was: RolloutStatus, is: RolloutStatus, at: string): SimulatedDecision[] {
  const verdict = is.run?.lastVerdict;
  if (verdict === undefined || verdict.at === was.run?.lastVerdict?.at) return [];
  return isNews(verdict, was) ? [{ at, kind: 'verdict', verdict }] : [];
}

function transitionDecision(was: RolloutStatus, is: RolloutStatus, at: string): SimulatedDecision[] {
  const { basisPoints } = is.table;
  if (was.state === is.state && was.table.basisPoints === basisPoints) return [];
  return [{ at, kind: 'rollout', from: was.state, to: is.state, basisPoints, reason: reasonOf(was, is) }];
}

/** The same verdict again for the same causes is no news; the figures in the texts move at every evaluation. */
function isNews(verdict: Verdict, { run }: RolloutStatus): boolean {
  const gist = ({ verdict: outcome, metrics }: Verdict) =>
    JSON.stringify([outcome, metrics.map((one) => [one.metric, one.verdict])]);
  return run?.lastVerdict === undefined || gist(run.lastVerdict) !== gist(verdict);
}

function reasonOf(was: RolloutStatus, { run, history, state }: RolloutStatus): string {
  if (run === undefined) return history[0]?.reason ?? '';
  if (state === 'Paused' && run.pause !== undefined) return `${run.pause.reason}: ${run.pause.message}`;
  if (run.reason !== undefined) return run.reason;
  if (was.state === 'Holding' && run.lastVerdict !== undefined) return run.lastVerdict.reasons.join('; ');
  return `revision ${run.revision}`;
}

function conditionDecisions({ before, after }: Pass, at: string): SimulatedDecision[] {
  const watched = [
    'MetricsStale',
    'TuningFrozen',
    'TuningOscillates',
    'CanaryStarved',
    'TuningProfileMissing',
  ];
  const of = (status: MemoryClusterStatus | undefined, type: string): Condition | undefined =>
    status?.conditions.find((one) => one.type === type);
  return watched.flatMap((type): SimulatedDecision[] => {
    const [was, is] = [of(before, type), of(after, type)];
    if ((was === undefined) === (is === undefined)) return [];
    const status = is === undefined ? 'gone' : is.status;
    return [{ at, kind: 'condition', condition: type, status, reason: (is ?? was)!.message }];
  });
}
