import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { trackedServices } from '../../api/services-spec.js';
import { programs, type Track } from '../../cluster/workloads.js';
import type { TrackAddresses } from '../../tracks/clients.js';
import { hostOf, partName } from './render/names.js';
import type { Pod } from './trim.js';

type TrackedService = (typeof trackedServices)[number];

/** Where the parts of a cluster are reached. Tests that run services as processes put their own in its place. */
export interface Addresses {
  /** `host:port` of the services of a track, for gateways and for this operator. */
  track(cluster: MemoryCluster, track: Track): TrackAddresses;
  /** Base URL of a gateway pod; undefined while it has no address. */
  gateway(pod: Pod): string | undefined;
  /** URL of a pod's `/metrics`; undefined while it has no address. */
  metrics(pod: Pod, port: number): string | undefined;
}

/** Service names of the cluster's DNS, and addresses of pods. */
export const clusterAddresses: Addresses = {
  track({ metadata: { name, namespace = '' } }, track) {
    const at = (service: TrackedService) =>
      `${hostOf(namespace, partName(name, service, track))}:${programs[service].port}`;
    return { vault: at('vault'), sleep: at('sleep'), pruner: at('pruner'), koopman: at('koopman') };
  },
  gateway: (pod) => urlOf(pod, programs.gateway.port, ''),
  metrics: (pod, port) => urlOf(pod, port, '/metrics'),
};

function urlOf({ status }: Pod, port: number, path: string): string | undefined {
  const ip = status?.podIP;
  if (ip === undefined || ip === '') return undefined;
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}${path}`;
}
