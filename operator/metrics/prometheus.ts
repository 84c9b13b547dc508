import type { Labels, MetricsProvider, Series } from '../samples/series.js';
import { keptMetrics, type KeptMetric } from './kept-metrics.js';
import type { AnsweredSeries } from './prometheus/answer.js';
import {
  PrometheusClient,
  type PrometheusClientOptions,
  type PrometheusServer,
} from './prometheus/client.js';
import { seriesOf } from './prometheus/series.js';
import { bucketMs, bucketStart, longMs, seamAt } from './retention.js';

export type { PrometheusServer } from './prometheus/client.js';

/** Labels that the series of a cluster carry in Prometheus, beside `track` and `service`; see docs/monitoring.md. */
export interface ClusterIdentity {
  readonly namespace: string;
  readonly cluster: string;
}

/** Samples after `from`, up to `now`; both in epoch milliseconds. */
interface Span {
  readonly from: number;
  readonly now: number;
}

/** Windows of the same labels and length, asked for in the same turn, that become one query. */
interface Batch {
  readonly metrics: Set<string>;
  readonly answer: Promise<ReadonlyMap<string, readonly AnsweredSeries[]>>;
}

/**
 * Reads samples from a Prometheus as scraping would have kept them: every sample of the last hour, before that the last
 * one of every five minutes, for 8 days. Freshness is that of the samples themselves, because raw samples carry the time
 * of their scrape. Nothing is cached: a server that restarts or answers late is asked again at the next evaluation.
 */
export class PrometheusProvider implements MetricsProvider {
  readonly #client: PrometheusClient;
  readonly #identity: ClusterIdentity;
  readonly #now: () => number;
  readonly #batches = new Map<string, Batch>();

  constructor(server: PrometheusServer, identity: ClusterIdentity, options: PrometheusClientOptions) {
    this.#client = new PrometheusClient(server, options);
    this.#identity = identity;
    this.#now = options.now;
  }

  /** @throws ServiceError that names the server, when it cannot be reached or answers anything but all samples */
  async window(metric: string, labels: Labels, durationMs: number): Promise<readonly Series[]> {
    const kept: KeptMetric = standing.get(metric) ?? { name: metric, by: [], retention: 'long' };
    const now = this.#now();
    const oldest = kept.retention === 'long' ? now - longMs : seamAt(now);
    const from = Math.max(oldest, Math.ceil(now - durationMs));
    if (from >= now) return [];
    const answers = await this.#asked(metric, labels, { from, now });
    return seriesOf(answers.get(metric) ?? [], kept);
  }

  /** Joins the batch of this turn, or opens it. */
  #asked(metric: string, labels: Labels, span: Span): Batch['answer'] {
    const key = JSON.stringify([span, labels]);
    const open = this.#batches.get(key);
    if (open !== undefined) {
      open.metrics.add(metric);
      return open.answer;
    }
    const metrics = new Set([metric]);
    const answer = Promise.resolve().then(() => {
      this.#batches.delete(key);
      return this.#read({ ...this.#identity, ...labels }, [...metrics], span);
    });
    this.#batches.set(key, { metrics, answer });
    return answer;
  }

  async #read(
    labels: Labels,
    metrics: readonly string[],
    { from, now }: Span,
  ): Promise<ReadonlyMap<string, readonly AnsweredSeries[]>> {
    const seam = Math.max(from, seamAt(now));
    const selector = selectorOf(metrics, labels);
    const [older, recent] = await Promise.all([
      from < seam ? this.#lastOfBuckets(selector, from, seam) : [],
      this.#client.samples(`${selector}[${now - seam}ms]`, now),
    ]);
    return byMetric([...older, ...recent.map((series) => after(series, seam))]);
  }

  /** The last sample of each whole bucket, at the end of that bucket. */
  #lastOfBuckets(selector: string, from: number, seam: number): Promise<readonly AnsweredSeries[]> {
    const range = { start: bucketStart(from) + bucketMs, end: seam, stepMs: bucketMs };
    return this.#client.range(`last_over_time(${selector}[${bucketMs}ms])`, range);
  }
}

const standing = keptMetrics();

function selectorOf(metrics: readonly string[], labels: Labels): string {
  const name = `__name__=~"${metrics.toSorted().join('|')}"`;
  const matchers = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `{${[name, ...matchers].join(', ')}}`;
}

/** Servers before Prometheus 3 count the left end of a range in. */
function after({ metric, values }: AnsweredSeries, instant: number): AnsweredSeries {
  return { metric, values: values.filter(([at]) => Math.round(at * 1000) > instant) };
}

function byMetric(answered: readonly AnsweredSeries[]): Map<string, AnsweredSeries[]> {
  const grouped = new Map<string, AnsweredSeries[]>();
  for (const series of answered) {
    const name = series.metric['__name__'] ?? '';
    grouped.set(name, [...(grouped.get(name) ?? []), series]);
  }
  return grouped;
}
