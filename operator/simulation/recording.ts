import type { AnsweredSeries } from '../metrics/prometheus/answer.js';
import type { Labels } from '../samples/series.js';

/** Raw samples of a Prometheus, as its query API answers them: one entry for each metric and set of labels. */
export type Recording = readonly AnsweredSeries[];

/** The same series in several parts as one, its samples in order of time and each instant once. */
export function merged(parts: Recording): Recording {
  const found = new Map<string, { readonly metric: Labels; readonly values: Map<number, string> }>();
  for (const { metric, values } of parts) {
    const key = JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
    const series = found.get(key) ?? { metric, values: new Map<number, string>() };
    found.set(key, series);
    for (const [at, value] of values) series.values.set(at, value);
  }
  return [...found.values()].map(({ metric, values }) => ({
    metric,
    values: [...values].sort(([a], [b]) => a - b),
  }));
}

/**
 * The series of one cluster. A label that a series lacks does not exclude it: a recording of a single cluster need not name
 * it. A series without `track` is of stable.
 */
export function ofCluster(recording: Recording, identity: Labels): Recording {
  return recording
    .filter(({ metric }) =>
      Object.entries(identity).every(([name, value]) => (metric[name] ?? value) === value),
    )
    .map(({ metric, values }) => ({ metric: { track: 'stable', ...metric }, values }));
}

/** First and last instant of a recording in epoch milliseconds; undefined when it holds no sample. */
export function extent(recording: Recording): { readonly from: number; readonly to: number } | undefined {
  let [from, to] = [Infinity, -Infinity];
  for (const { values } of recording) {
    const [first, last] = [values[0], values.at(-1)];
    if (first === undefined || last === undefined) continue;
    from = Math.min(from, first[0] * 1000);
    to = Math.max(to, last[0] * 1000);
  }
  return from <= to ? { from: Math.floor(from), to: Math.ceil(to) } : undefined;
}

/** When the canary track was first seen, in epoch milliseconds; undefined when it never was. */
export function canarySince(recording: Recording): number | undefined {
  return extent(recording.filter(({ metric }) => metric['track'] === 'canary'))?.from;
}
