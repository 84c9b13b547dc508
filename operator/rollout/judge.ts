import type { MetricName, MetricSpec } from '../api/rollout-spec.js';
import type { Judgement } from '../api/rollout-status.js';
import { compare, exceeds, fits, validSample, type Comparison } from './compare.js';
import type { MetricObservation, Sample } from './observation.js';

/** What kind of evidence each metric is judged on. */
export const catalogue: Readonly<Record<MetricName, Sample['kind']>> = {
  errorRatio: 'proportion',
  latencyP99: 'histogram',
  mismatchRatio: 'proportion',
  completion: 'mean',
  energyDrop: 'mean',
};

/** Circumstances of one evaluation. */
export interface Circumstances {
  readonly now: Date;
  readonly staleAfterMs: number;
  readonly confidence: number;
  /** The canary has every key: stable is not asked, so there is nothing to compare with. */
  readonly alone: boolean;
}

/** Where in the order of an evaluation a finding was made. */
export type Cause = 'provider' | 'stale' | 'noData' | 'limit' | 'comparison';

/** A judgement of one metric with its cause. */
export interface Judged {
  readonly cause: Cause;
  readonly judgement: Judgement;
}

type Finding = Omit<Judgement, 'metric' | 'dryRun'> & { readonly cause: Cause };

/**
 * Judges one metric: error of the source, no data, freshness, hard limit, comparison, in this order.
 *
 * Policies: an answer with several series is an error of the source, because taking any of them would be a guess. NaN,
 * infinite or contradictory numbers are no data, and no data means what `onNoData` says. A stale answer is never a
 * reason to fail or to pass.
 */
export function judge(
  metric: MetricSpec,
  observed: MetricObservation | undefined,
  circumstances: Circumstances,
): Judged {
  const { cause, ...found } = find(metric, observed, circumstances);
  const judgement = {
    metric: metric.name,
    ...found,
    reason: found.reason.slice(0, 400),
    ...(metric.dryRun ? { dryRun: true } : {}),
  };
  return { cause, judgement };
}

function find(
  metric: MetricSpec,
  observed: MetricObservation | undefined,
  circumstances: Circumstances,
): Finding {
  if (observed === undefined) return withoutData(metric, 'nothing was measured');
  if ('error' in observed) return inconclusive('provider', `the source failed: ${observed.error}`);
  if (observed.series > 1) {
    return inconclusive('provider', `the source answered with ${observed.series} series; one is needed`);
  }
  const kind = catalogue[metric.name];
  const canary = validSample(observed.canary, kind);
  if (canary === undefined) return withoutData(metric, 'no data of the canary');
  const ageMs = circumstances.now.getTime() - Date.parse(observed.at);
  if (!(ageMs <= circumstances.staleAfterMs)) {
    return inconclusive('stale', `the newest sample is from ${observed.at}`);
  }
  const breach =
    metric.limit === undefined ? undefined : exceeds(canary, metric.limit, circumstances.confidence);
  if (breach !== undefined) return { ...breach, verdict: 'fail', cause: 'limit' };
  return beside(metric, { canary, stable: validSample(observed.stable, kind) }, circumstances);
}

interface Tracks {
  readonly canary: Sample;
  readonly stable: Sample | undefined;
}

function beside(
  metric: MetricSpec,
  { canary, stable }: Tracks,
  { alone, confidence }: Circumstances,
): Finding {
  if (alone) {
    const reason = 'stable has no keys to compare with; limits hold';
    return { verdict: 'pass', cause: 'comparison', reason };
  }
  if (stable === undefined) return withoutData(metric, 'no data of stable');
  if (!fits(stable) || !fits(canary)) return withoutData(metric, 'too few measurements to compare');
  return compared(metric, compare({ stable, canary, tolerance: metric.tolerance }, confidence));
}

function inconclusive(cause: Cause, reason: string): Finding {
  return { verdict: 'inconclusive', cause, reason };
}

function withoutData({ onNoData }: MetricSpec, what: string): Finding {
  return { verdict: onNoData, cause: 'noData', reason: `${what} (onNoData: ${onNoData})` };
}

/**
 * A comparison fails only when even the bound at the stated confidence is past the tolerance. When the estimate is past it
 * and the bound is not, more samples are needed.
 */
function compared({ tolerance }: MetricSpec, { worse, margin, ...values }: Comparison): Finding {
  const { estimate, lower, upper } = worse;
  const verdict = lower > margin ? 'fail' : estimate <= margin ? 'pass' : 'inconclusive';
  const reason = `worse by ${round(estimate)} (${round(lower)} to ${round(upper)}), tolerated ${round(margin)}`;
  return { ...values, lower, upper, tolerance, verdict, cause: 'comparison', reason };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
