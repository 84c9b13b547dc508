import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Seen } from '../../reconcile/reconcile.js';
import type { TrackObservation } from '../../rollout/observation.js';
import { gatewayEpoch } from '../../tracks/gateway-epoch.js';
import type { Machine } from './machine.js';
import { gatewayBase, serviceNames, type Track } from './ports.js';
import { serviceStatuses } from './service-status.js';
import type { ProcessReport } from './supervisor/process-spec.js';

/** What there is to see of a cluster on this machine. */
export async function observe(machine: Machine, cluster: MemoryCluster): Promise<Seen> {
  const { supervisor, ports, home, duties } = machine;
  const [reports, epoch, known] = await Promise.all([
    supervisor.observe(),
    gatewayEpoch(gatewayBase(ports)),
    duties.observe(cluster.status?.rollout),
  ]);
  const canary = observeCanary(reports, existsSync(join(home.data, 'canary')));
  return {
    observation: {
      stable: observeTrack(reports, 'stable'),
      ...(canary !== undefined && { canary }),
      gatewayEpochs: epoch === undefined ? [] : [epoch],
      ...known,
    },
    completion: duties.completion,
    services: serviceStatuses(reports),
    endpoints: cluster.status?.endpoints ?? {},
    statements: [],
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
