import type { MetricName } from '../api/rollout-spec.js';
import type { Mean, MetricObservation, Sample as Evidence, StepCounts } from '../rollout/observation.js';
import { perCycle } from '../samples/cycles.js';
import { summed, type Labels, type MetricsProvider, type Series } from '../samples/series.js';
import { bucketIncreases, increase } from '../samples/windows.js';

type Track = 'stable' | 'canary';

/** Answers that say that a track failed its caller; a caller's own mistake never counts against a track. */
const faults = ['INTERNAL', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'UNKNOWN', 'DATA_LOSS'];

/** Tools that both tracks answer in the same way, one request each. */
const comparedTools = ['memory.put', 'memory.get'];

/** What a window of samples is asked for. */
export interface WindowQuery {
  readonly provider: MetricsProvider;
  readonly windowMs: number;
}

/**
 * The metrics of an analysis that come from samples: error ratio, p99, mismatch and energy drop of both tracks over a
 * window. A source that cannot be read answers with an error for each, which never fails a canary.
 */
export async function rolloutMetrics(
  query: WindowQuery,
): Promise<Partial<Record<Exclude<MetricName, 'completion'>, MetricObservation>>> {
  // Together, so that a provider can make one query of them.
  const [errors, seconds, mismatch, drop] = await Promise.all(
    [errorRatio, latency, mismatches, energyDrop].map((read) => observe(query, read)),
  );
  return { errorRatio: errors!, latencyP99: seconds!, mismatchRatio: mismatch!, energyDrop: drop! };
}

/** Requests and sleeps of both tracks since an instant; zeros with the reason when the source cannot be read. */
export async function stepCounts({ provider, windowMs }: WindowQuery): Promise<StepCounts> {
  const requests = async (track: Track) =>
    total(comparedOnly(await provider.window('gateway_requests_total', { track }, windowMs)));
  const sleeps = async () =>
    total(await provider.window('consol_cycles_total', { track: 'canary' }, windowMs));
  try {
    const [stableRequests, canaryRequests, canarySleeps] = await Promise.all([
      requests('stable'),
      requests('canary'),
      sleeps(),
    ]);
    return { stableRequests, canaryRequests, canarySleeps };
  } catch (error) {
    return { stableRequests: 0, canaryRequests: 0, canarySleeps: 0, error: messageOf(error) };
  }
}

/** Moments of single measurements. */
export function meanOf(values: readonly number[]): Mean {
  return {
    kind: 'mean',
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
  };
}

interface Read {
  readonly evidence: Evidence | undefined;
  /** Newest sample that went in, in epoch milliseconds. */
  readonly at: number | undefined;
  /** Of a gauge, how many series there are: more than one is not one number. Increases of counters add up. */
  readonly series?: number;
}

async function observe(
  query: WindowQuery,
  read: (window: (metric: string, labels?: Labels) => Promise<readonly Series[]>) => Promise<Read>,
): Promise<MetricObservation> {
  const of = (track: Track) =>
    read((metric, labels = {}) => query.provider.window(metric, { ...labels, track }, query.windowMs));
  try {
    const [stable, canary] = await Promise.all([of('stable'), of('canary')]);
    const at = Math.max(stable.at ?? 0, canary.at ?? 0);
    return {
      at: new Date(at).toISOString(),
      series: Math.max(1, stable.series ?? 1, canary.series ?? 1),
      ...(stable.evidence !== undefined && { stable: stable.evidence }),
      ...(canary.evidence !== undefined && { canary: canary.evidence }),
    };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

type Window = Parameters<Parameters<typeof observe>[1]>[0];

async function errorRatio(window: Window): Promise<Read> {
  const requests = comparedOnly(await window('gateway_requests_total'));
  const failures = total(requests.filter(({ labels }) => faults.includes(labels['code'] ?? '')));
  const all = total(requests);
  return {
    evidence: all > 0 ? { kind: 'proportion', failures, total: all } : undefined,
    at: newest(requests),
  };
}

async function latency(window: Window): Promise<Read> {
  const series = comparedOnly(await window('gateway_request_seconds_bucket'));
  const buckets = bucketIncreases(series);
  const any = (buckets.at(-1)?.count ?? 0) > 0;
  return { evidence: any ? { kind: 'histogram', buckets } : undefined, at: newest(series) };
}

async function mismatches(window: Window): Promise<Read> {
  const [checks, wrong] = await Promise.all([
    window('gateway_put_get_checks_total'),
    window('gateway_put_get_mismatch_total'),
  ]);
  const [all, failures] = [total(checks), total(wrong)];
  return { evidence: all > 0 ? { kind: 'proportion', failures, total: all } : undefined, at: newest(checks) };
}

async function energyDrop(window: Window): Promise<Read> {
  const [drops, counters] = await Promise.all([
    window('consol_energy_drop_ratio'),
    window('consol_cycles_total'),
  ]);
  const values = perCycle(summed(drops), summed(counters)).map(({ value }) => value);
  return {
    evidence: values.length > 0 ? meanOf(values) : undefined,
    at: newest(drops),
    series: Math.max(drops.length, counters.length),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function comparedOnly(series: readonly Series[]): Series[] {
  return series.filter(({ labels }) => comparedTools.includes(labels['tool'] ?? ''));
}

/** Increase over the window, all series together. */
function total(series: readonly Series[]): number {
  return series.reduce((sum, { samples }) => sum + (increase(samples) ?? 0), 0);
}

function newest(series: readonly Series[]): number | undefined {
  return series.reduce<number | undefined>((latest, { samples }) => {
    const at = samples.at(-1)?.at;
    return at !== undefined && at > (latest ?? 0) ? at : latest;
  }, undefined);
}
