import { Duration } from '../api/duration.js';
import type { MemoryCluster } from '../api/memory-cluster.js';
import type { Run } from '../api/rollout-status.js';
import { rolloutMetrics, stepCounts } from '../metrics/rollout-metrics.js';
import type { Observation } from '../rollout/observation.js';
import type { MetricsProvider } from '../samples/series.js';

/** Whom to ask, and what time it is. */
interface Source {
  readonly provider: MetricsProvider;
  readonly now: Date;
}

/**
 * The measured part of an observation. The source is asked only for what the next decision can use: counts while a step
 * runs, metrics when an evaluation is due.
 */
export async function measure(
  cluster: MemoryCluster,
  seen: Pick<Observation, 'canary'>,
  { provider, now }: Source,
): Promise<Pick<Observation, 'step' | 'metrics'>> {
  const { run, state } = cluster.status?.rollout ?? {};
  const since = run?.stepStartedAt;
  const judged = state === 'Holding' || state === 'Paused';
  if (!judged || run === undefined || since === undefined || seen.canary === undefined) {
    return { step: nothing, metrics: {} };
  }
  const windowMs = Duration.parse(cluster.spec.rollout.analysis.window).milliseconds;
  return {
    step: await stepCounts({ provider, windowMs: now.getTime() - Date.parse(since) }),
    metrics: isDue(run, now) ? await rolloutMetrics({ provider, windowMs }) : {},
  };
}

const nothing: Observation['step'] = { stableRequests: 0, canaryRequests: 0, canarySleeps: 0 };

function isDue({ nextCheckAt }: Run, now: Date): boolean {
  return nextCheckAt === undefined || now.toISOString() >= nextCheckAt;
}
