import type { MetricName } from '../api/rollout-spec.js';
import type { Mean, MetricObservation, Observation, Sample as Evidence } from '../rollout/observation.js';
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
  try {
    return {
      errorRatio: await observe(query, errorRatio),
      latencyP99: await observe(query, latency),
      mismatchRatio: await observe(query, mismatches),
      energyDrop: await observe(query, energyDrop),
    };
  } catch (error) {
    const failed = { error: error instanceof Error ? error.message : String(error) };
    return { errorRatio: failed, latencyP99: failed, mismatchRatio: failed, energyDrop: failed };
  }
}

/** Requests and sleeps of both tracks since an instant. */
export async function stepCounts({ provider, windowMs }: WindowQuery): Promise<Observation['step']> {
  const requests = async (track: Track) =>
    total(comparedOnly(await provider.window('gateway_requests_total', { track }, windowMs)));
  return {
    stableRequests: await requests('stable'),
    canaryRequests: await requests('canary'),
    canarySleeps: total(await provider.window('consol_cycles_total', { track: 'canary' }, windowMs)),
  };
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
}

async function observe(
  query: WindowQuery,
  read: (window: (metric: string, labels?: Labels) => Promise<readonly Series[]>) => Promise<Read>,
): Promise<MetricObservation> {
  const of = (track: Track) =>
    read((metric, labels = {}) => query.provider.window(metric, { ...labels, track }, query.windowMs));
  const [stable, canary] = [await of('stable'), await of('canary')];
  const at = Math.max(stable.at ?? 0, canary.at ?? 0);
  return {
    at: new Date(at).toISOString(),
    series: 1,
    ...(stable.evidence !== undefined && { stable: stable.evidence }),
    ...(canary.evidence !== undefined && { canary: canary.evidence }),
  };
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
  const checks = await window('gateway_put_get_checks_total');
  const all = total(checks);
  const failures = total(await window('gateway_put_get_mismatch_total'));
  return { evidence: all > 0 ? { kind: 'proportion', failures, total: all } : undefined, at: newest(checks) };
}

async function energyDrop(window: Window): Promise<Read> {
  const drops = await window('consol_energy_drop_ratio');
  const cycles = perCycle(summed(drops), summed(await window('consol_cycles_total')));
  const values = cycles.map(({ value }) => value);
  return { evidence: values.length > 0 ? meanOf(values) : undefined, at: newest(drops) };
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
