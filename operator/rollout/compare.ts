import type { Histogram, Mean, Proportion, Sample } from './observation.js';
import {
  meanInterval,
  newcombe,
  normalQuantile,
  welch,
  wilson,
  type Count,
  type Interval,
  type Moments,
} from './statistics.js';

/** How the tracks differ. */
export interface Comparison {
  /** How much worse the canary is, in the unit of `margin`. */
  readonly worse: Interval;
  /** From where on worse is too much. */
  readonly margin: number;
  /** The values of both tracks, for people: ratio, p99 in seconds, mean. */
  readonly stable: number;
  readonly canary: number;
  readonly stableSamples: number;
  readonly canarySamples: number;
}

interface Pair {
  readonly stable: Sample;
  readonly canary: Sample;
  readonly tolerance: number;
}

/**
 * Compares canary with stable, each by shares and moments, never by absolute counts.
 *
 * - proportion: difference of the ratios, Newcombe's interval;
 * - histogram: the share of requests slower than stable's p99 × (1 + tolerance), as a difference of proportions: the
 *   quantile test (Conover, Practical Nonparametric Statistics, 3.2), which asks nothing of the shape of latencies;
 * - mean: difference of the means, Welch's interval; higher is better.
 *
 * @param pair two samples of the same kind that passed `fits`
 */
export function compare({ stable, canary, tolerance }: Pair, confidence: number): Comparison {
  const z = normalQuantile(confidence);
  if (stable.kind === 'proportion' && canary.kind === 'proportion') {
    const [a, b] = [failuresOf(canary), failuresOf(stable)];
    return {
      worse: newcombe(a, b, z),
      margin: tolerance,
      stable: b.successes / b.total,
      canary: a.successes / a.total,
      stableSamples: b.total,
      canarySamples: a.total,
    };
  }
  if (stable.kind === 'histogram' && canary.kind === 'histogram') {
    const bound = bucketAtOrAbove(stable, p99(stable) * (1 + tolerance));
    return {
      worse: newcombe(slowerThan(canary, bound), slowerThan(stable, bound), z),
      margin: 0,
      stable: p99(stable),
      canary: p99(canary),
      stableSamples: totalOf(stable),
      canarySamples: totalOf(canary),
    };
  }
  const [a, b] = [momentsOf(stable as Mean), momentsOf(canary as Mean)];
  return {
    worse: welch(a, b, confidence),
    margin: tolerance,
    stable: a.mean,
    canary: b.mean,
    stableSamples: a.count,
    canarySamples: b.count,
  };
}

/** Whether the canary alone is past a hard limit, certain at the confidence; a limit of a mean is its least value. */
export function exceeds(
  canary: Sample,
  limit: number,
  confidence: number,
): { readonly reason: string; readonly canary: number; readonly canarySamples: number } | undefined {
  const z = normalQuantile(confidence);
  if (canary.kind === 'mean') {
    if (canary.count < 2) return undefined;
    const moments = momentsOf(canary);
    if (meanInterval(moments, confidence).upper >= limit) return undefined;
    return breach(`the mean ${moments.mean} is below the limit ${limit}`, moments.mean, moments.count);
  }
  if (canary.kind === 'proportion') {
    const ratio = failuresOf(canary);
    if (wilson(ratio, z).lower <= limit) return undefined;
    return breach(
      `${ratio.successes} of ${ratio.total} is past the limit ${limit}`,
      canary.failures / canary.total,
      ratio.total,
    );
  }
  const slow = slowerThan(canary, bucketAtOrAbove(canary, limit));
  if (wilson(slow, z).lower <= 0.01) return undefined;
  return breach(`the p99 of ${p99(canary)} s is past the limit of ${limit} s`, p99(canary), slow.total);
}

function breach(reason: string, canary: number, canarySamples: number) {
  return { reason, canary, canarySamples };
}

/** The sample if it is of the kind and its numbers make sense; anything else is no data. */
export function validSample(sample: Sample | undefined, kind: Sample['kind']): Sample | undefined {
  return sample?.kind === kind && makesSense(sample) ? sample : undefined;
}

function makesSense(sample: Sample): boolean {
  if (sample.kind === 'histogram') return isCumulative(sample.buckets.map(({ count }) => count));
  if (sample.kind === 'mean') {
    return sample.count >= 1 && Number.isFinite(sample.sum) && Number.isFinite(sample.sumOfSquares);
  }
  const { failures, total } = sample;
  return failures >= 0 && total > 0 && failures <= total && total < Infinity;
}

function isCumulative(counts: readonly number[]): boolean {
  const total = counts.at(-1) ?? 0;
  return total > 0 && total < Infinity && counts.every((count, index) => count >= (counts[index - 1] ?? 0));
}

/** Whether a valid sample is enough to be one side of a comparison: a variance needs two measurements. */
export function fits(sample: Sample): boolean {
  return sample.kind !== 'mean' || sample.count >= 2;
}

function failuresOf({ failures, total }: Proportion): Count {
  return { successes: failures, total };
}

function momentsOf({ count, sum, sumOfSquares }: Mean): Moments {
  const mean = sum / count;
  return { count, mean, variance: Math.max(0, (sumOfSquares - count * mean * mean) / (count - 1)) };
}

function totalOf({ buckets }: Histogram): number {
  return buckets.at(-1)?.count ?? 0;
}

/** Upper bound of the bucket in which the 99th percentile lies, in seconds: the histogram knows no better. */
function p99(histogram: Histogram): number {
  const rank = 0.99 * totalOf(histogram);
  const bucket = histogram.buckets.find(({ count }) => count >= rank);
  const last = histogram.buckets.filter(({ le }) => Number.isFinite(le)).at(-1)?.le ?? 0;
  return bucket === undefined || !Number.isFinite(bucket.le) ? last : bucket.le;
}

function bucketAtOrAbove({ buckets }: Histogram, seconds: number): number {
  return buckets.find(({ le }) => le >= seconds)?.le ?? Infinity;
}

function slowerThan(histogram: Histogram, bound: number): Count {
  const total = totalOf(histogram);
  const within = histogram.buckets.find(({ le }) => le >= bound)?.count ?? total;
  return { successes: total - within, total };
}
