import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { Duration } from '../../api/duration.js';
import type { RolloutStatus } from '../../api/rollout-status.js';
import { rolloutMetrics, stepCounts } from '../../metrics/rollout-metrics.js';
import type { MetricsProvider } from '../../samples/series.js';
import type { Observation, TrackObservation } from '../../rollout/observation.js';
import type { Machine } from './machine.js';
import { serviceNames, type Track } from './ports.js';
import { gatewayEpoch } from './shard-table.js';
import type { ProcessReport } from './supervisor/process-spec.js';

/** What the rollout has to know about this machine. */
export async function observe(
  machine: Machine,
  cluster: MemoryCluster,
  provider: MetricsProvider,
  now: Date,
): Promise<Observation> {
  const { supervisor, ports, home, trackState, drain } = machine;
  const rollout = cluster.status?.rollout;
  const [reports, epoch] = await Promise.all([supervisor.observe(), gatewayEpoch(ports)]);
  const canary = observeCanary(reports, existsSync(join(home.data, 'canary')));
  const adopted = trackState.adoptedTuningGeneration;
  const progress = drain.progress;
  const window = Duration.parse(cluster.spec.rollout.analysis.window).milliseconds;
  return {
    stable: observeTrack(reports, 'stable'),
    ...(canary !== undefined && { canary }),
    gatewayEpochs: epoch === undefined ? [] : [epoch],
    canarySeeded: rollout?.run !== undefined && trackState.seededRevision === rollout.run.revision,
    ...(progress !== undefined && { drain: progress }),
    ...(adopted !== undefined && { adoptedTuningGeneration: adopted }),
    step: await countsOfStep(provider, rollout, now),
    metrics: {
      ...(canary === undefined ? {} : await rolloutMetrics({ provider, windowMs: window })),
      ...machine.completion.latest,
    },
  };
}

/** While its data is there the canary is not gone, whether or not a process of it runs. */
function observeCanary(reports: readonly ProcessReport[], hasData: boolean): TrackObservation | undefined {
  if (reports.some(({ key }) => key.startsWith('canary/'))) return observeTrack(reports, 'canary');
  return hasData ? { ready: false, message: 'no process of the canary runs' } : undefined;
}

function observeTrack(reports: readonly ProcessReport[], track: Track): TrackObservation {
  const states = serviceNames.map((name) => reports.find(({ key }) => key === `${track}/${name}`));
  const missing = serviceNames.filter((_, k) => states[k]?.state.phase !== 'Ready');
  const revisions = new Set(states.map((report) => report?.revision));
  const [revision] = revisions;
  return {
    ...(revisions.size === 1 && revision !== undefined && { revision }),
    ready: missing.length === 0,
    ...(missing.length > 0 && { message: `${missing.join(', ')} not ready` }),
  };
}

async function countsOfStep(
  provider: MetricsProvider,
  rollout: RolloutStatus | undefined,
  now: Date,
): Promise<Observation['step']> {
  const since = rollout?.run?.stepStartedAt;
  if (since === undefined) return { stableRequests: 0, canaryRequests: 0, canarySleeps: 0 };
  return stepCounts({ provider, windowMs: now.getTime() - Date.parse(since) });
}
