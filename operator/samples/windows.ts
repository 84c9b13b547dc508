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

function boundOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bound = text === '+Inf' ? Infinity : Number(text);
  return Number.isNaN(bound) ? undefined : bound;
}
