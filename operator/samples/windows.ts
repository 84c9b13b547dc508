import type { Sample, Series } from './series.js';

/**
 * Increase of a counter over its samples. A value below the one before is a restart from 0, as Prometheus counts it;
 * nothing is extrapolated to the edges of the window.
 * @returns undefined with fewer than two samples
 */
export function increase(samples: readonly Sample[]): number | undefined {
  if (samples.length < 2) return undefined;
  let sum = 0;
  for (let i = 1; i < samples.length; i++) {
    const [before, after] = [samples[i - 1]!.value, samples[i]!.value];
    sum += after >= before ? after - before : after;
  }
  return sum;
}

/** Increase of a counter per second between its first and last sample. */
export function rate(samples: readonly Sample[]): number | undefined {
  const grown = increase(samples);
  if (grown === undefined) return undefined;
  const seconds = (samples.at(-1)!.at - samples[0]!.at) / 1000;
  return seconds > 0 ? grown / seconds : undefined;
}

/** Whether the newest sample is at most this old. */
export function isFresh(samples: readonly Sample[], now: number, staleAfterMs: number): boolean {
  const newest = samples.at(-1);
  return newest !== undefined && now - newest.at <= staleAfterMs;
}

/** Requests that took at most `le`, cumulative; the last `le` is Infinity. */
export interface Bucket {
  readonly le: number;
  readonly count: number;
}

/**
 * Observations that fell into a histogram during the window: the increase of each `…_bucket` series, summed over
 * all labels but `le`, ascending.
 */
export function bucketIncreases(series: readonly Series[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const { labels, samples } of series) {
    const le = boundOf(labels['le']);
    const grown = increase(samples);
    if (le !== undefined && grown !== undefined) counts.set(le, (counts.get(le) ?? 0) + grown);
  }
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/**
 * Quantile of a histogram by linear interpolation inside the bucket, as Prometheus' `histogram_quantile` does.
 * @param q from 0 to 1
 * @param buckets cumulative and ascending; the last bound must be Infinity
 * @returns undefined without observations, or without the infinite bucket
 */
export function histogramQuantile(q: number, buckets: readonly Bucket[]): number | undefined {
  const all = buckets.at(-1);
  if (all?.le !== Infinity || all.count <= 0) return undefined;
  const rank = q * all.count;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const lower = buckets[index - 1] ?? { le: 0, count: 0 };
  const { le, count } = buckets[index]!;
  // Nothing is known past the last finite bound, nor below the first one when it is not positive.
  if (le === Infinity) return buckets[index - 1]?.le;
  if (le <= lower.le || count === lower.count) return le;
  return lower.le + (le - lower.le) * ((rank - lower.count) / (count - lower.count));
}

function boundOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bound = text === '+Inf' ? Infinity : Number(text);
  return Number.isNaN(bound) ? undefined : bound;
}
