import { Duration } from '../api/duration.js';
import type { AnalysisSpec } from '../api/rollout-spec.js';
import type { Run, Verdict } from '../api/rollout-status.js';
import { record, spent } from './budget.js';
import { judge, type Circumstances, type Judged } from './judge.js';
import type { Observation } from './observation.js';

/** What one evaluation adds to the run, and whether the step has failed by it. */
export interface Evaluation {
  readonly run: Run;
  readonly verdict: Verdict;
  /** Why the step failed: a hard limit, or a spent budget; undefined while it has not. */
  readonly failure?: string;
}

/** Evaluations in a row without a usable source after which MetricsStale says so; they never roll back. */
export const providerErrorBudget = 3;

/**
 * One evaluation of a step, a pure function in this order: freshness of data and errors of the source (their own
 * budget), hard limits (fail at once), comparison of the tracks, sliding failure budget. Samples, hold and gate come
 * after it, in holding.ts.
 */
export function evaluate(
  analysis: AnalysisSpec,
  run: Run,
  metrics: Observation['metrics'],
  circumstances: Circumstances,
): Evaluation {
  const judged = analysis.metrics.map((metric) => judge(metric, metrics[metric.name], circumstances));
  const deciding = judged.filter(({ judgement }) => judgement.dryRun !== true);
  const unusable = deciding.filter(({ cause }) => cause === 'provider' || cause === 'stale');
  const breaches = deciding.filter(({ cause }) => cause === 'limit');
  const outcome = outcomeOf(deciding, unusable.length > 0);
  const next = count(analysis, run, { outcome, unusable: unusable.length > 0, now: circumstances.now });
  const budget = spent(next.budget, next.consecutiveFailures, analysis.failureBudget);
  const failure =
    breaches.length > 0 ? breaches.map(textOf).join('; ') : outcome === 'fail' ? budget : undefined;
  const verdict: Verdict = {
    verdict: outcome,
    at: circumstances.now.toISOString(),
    reasons: reasonsOf(deciding, outcome, failure),
    metrics: judged.map(({ judgement }) => judgement),
  };
  return { run: { ...next, lastVerdict: verdict }, verdict, ...(failure === undefined ? {} : { failure }) };
}

/** When the next evaluation is due: after the interval, or at the end of the hold when that is sooner. */
export function nextCheck(analysis: AnalysisSpec, eligibleAt: string | undefined, now: Date): string {
  const regular = Duration.parse(analysis.interval).after(now).toISOString();
  return eligibleAt !== undefined && eligibleAt > now.toISOString() && eligibleAt < regular
    ? eligibleAt
    : regular;
}

function outcomeOf(deciding: readonly Judged[], unusable: boolean): Verdict['verdict'] {
  if (deciding.some(({ cause }) => cause === 'limit')) return 'fail';
  if (unusable) return 'inconclusive';
  if (deciding.some(({ judgement }) => judgement.verdict === 'fail')) return 'fail';
  return deciding.some(({ judgement }) => judgement.verdict === 'inconclusive') ? 'inconclusive' : 'pass';
}

interface Tally {
  readonly outcome: Verdict['verdict'];
  readonly unusable: boolean;
  readonly now: Date;
}

/** An inconclusive evaluation neither spends the failure budget nor restores it. */
function count({ failureBudget }: AnalysisSpec, run: Run, { outcome, unusable, now }: Tally): Run {
  const errors = unusable ? run.consecutiveProviderErrors + 1 : 0;
  if (outcome === 'inconclusive') {
    return {
      ...run,
      consecutiveProviderErrors: errors,
      consecutiveInconclusive: run.consecutiveInconclusive + 1,
    };
  }
  const failed = outcome === 'fail';
  return {
    ...run,
    budget: record(run.budget, failed, failureBudget, now),
    consecutiveFailures: failed ? run.consecutiveFailures + 1 : 0,
    consecutiveInconclusive: 0,
    consecutiveProviderErrors: errors,
  };
}

function reasonsOf(
  deciding: readonly Judged[],
  outcome: Verdict['verdict'],
  failure: string | undefined,
): string[] {
  if (outcome === 'pass') return ['every metric is within its tolerance'];
  const reasons = deciding.filter(({ judgement }) => judgement.verdict === outcome).map(textOf);
  if (outcome === 'fail' && failure === undefined) return [...reasons, 'within the failure budget'];
  return failure === undefined || reasons.includes(failure) ? reasons : [...reasons, failure.slice(0, 512)];
}

function textOf({ judgement }: Judged): string {
  return `${judgement.metric}: ${judgement.reason}`;
}
