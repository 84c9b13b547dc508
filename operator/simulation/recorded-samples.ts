import { keptMetrics, type KeptMetric } from '../metrics/kept-metrics.js';
import type { AnsweredSeries } from '../metrics/prometheus/answer.js';
import { seriesOf } from '../metrics/prometheus/series.js';
import { bucketMs, longMs, recentMs } from '../metrics/retention.js';
import type { Labels, MetricsProvider, Series } from '../samples/series.js';
import type { Recording } from './recording.js';

type Values = AnsweredSeries['values'];

/** A recorded series, and the last sample of each of its buckets under the time of the bucket's end. */
interface Recorded {
  readonly metric: Labels;
  readonly raw: Values;
  readonly buckets: Values;
}

const standing = keptMetrics();

/**
 * A recording as the operator would have read it at an instant: what a Prometheus answers then, every sample of the last
 * hour, before that the last one of every five minutes. Nothing after `now` is visible.
 */
export class RecordedSamples implements MetricsProvider {
  /** Epoch milliseconds. */
  now = 0;
  readonly #byMetric = new Map<string, Recorded[]>();

  constructor(recording: Recording) {
    for (const { metric, values } of recording) {
      const name = metric['__name__'] ?? '';
      const series = this.#byMetric.get(name) ?? [];
      this.#byMetric.set(name, series);
      series.push({ metric, raw: values, buckets: lastOfBuckets(values) });
    }
  }

  window(metric: string, labels: Labels, durationMs: number): Promise<readonly Series[]> {
    const kept: KeptMetric = standing.get(metric) ?? { name: metric, by: [], retention: 'long' };
    const longest = kept.retention === 'long' ? longMs : recentMs;
    const from = this.now - Math.min(durationMs, longest);
    const seam = Math.max(from, Math.floor((this.now - recentMs) / bucketMs) * bucketMs);
    const answered = (this.#byMetric.get(metric) ?? [])
      .filter((series) => has(series.metric, labels))
      .map((series) => ({
        metric: series.metric,
        values: [...between(series.buckets, from, seam), ...between(series.raw, seam, this.now)],
      }));
    return Promise.resolve(seriesOf(answered, kept));
  }
}

function lastOfBuckets(values: Values): Values {
  const last = new Map<number, string>();
  for (const [at, value] of values) last.set((Math.ceil((at * 1000) / bucketMs) * bucketMs) / 1000, value);
  return [...last];
}

/** Samples after one instant up to another, both in epoch milliseconds. */
function between(values: Values, after: number, until: number): Values {
  return values.slice(firstAfter(values, after), firstAfter(values, until));
}

function firstAfter(values: Values, instant: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Math.round(values[middle]![0] * 1000) > instant) high = middle;
    else low = middle + 1;
  }
  return low;
}

function has(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
