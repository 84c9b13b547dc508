import type { EnvVar } from './shapes.js';
import { programs, type Workload } from '../../../cluster/workloads.js';
import { hostOf, parametersName, partName, shardsKey } from './names.js';
import { namespaceOf } from './object.js';
import type { Part } from './part.js';

/** Where things are inside a container. */
export const paths = {
  /** Mount of the volume; services keep their data in a folder of it, because a file system has a `lost+found`. */
  volume: '/data',
  data: '/data/store',
  temporary: '/tmp',
  internal: '/etc/tori/internal',
  apiKey: '/etc/tori/api-key',
  redis: '/etc/tori/redis',
  shards: '/etc/tori/shards',
} as const;

/** Key of the revision in the ConfigMap of parameters. */
const revisionKey = 'TORI_REVISION';

/**
 * What the ConfigMap of a track's parameters holds: the parameters its pods start with, and the revision that the gateway
 * says it serves. Pods read these by reference: a tuned value changes no pod template, so it restarts nothing, and a pod that
 * starts later starts with it.
 */
export function parametersOf(workloads: readonly Workload[]): Readonly<Record<string, string>> {
  const entries = workloads.flatMap(({ parameterEnv }) => Object.entries(parameterEnv).filter(isShared));
  return { ...Object.fromEntries(entries), [revisionKey]: workloads[0]?.revision ?? '' };
}

/** A text that is no number is the mistake of one service: it goes to that service alone, which refuses it by name. */
function isShared([, value]: readonly [string, string]): boolean {
  return value.trim() !== '' && Number.isFinite(Number(value));
}

/** The environment of a service or of the gateway. */
export function environmentOf(part: Part): EnvVar[] {
  const { cluster, workload } = part;
  const own = workload.service === 'gateway' ? gatewayEnvironment(part) : serviceEnvironment(part);
  const parameters = parametersName(cluster.metadata.name, workload.track);
  const reference = (key: string): EnvVar => ({
    name: key,
    valueFrom: { configMapKeyRef: { name: parameters, key } },
  });
  return [
    ...literals(workload.env),
    ...literals(own),
    ...Object.entries(workload.parameterEnv).map(([name, value]) =>
      isShared([name, value]) ? reference(name) : { name, value },
    ),
    // A new revision of the services is no reason to restart the gateway, which only starts with its name.
    ...(workload.service === 'gateway' ? [reference(revisionKey)] : []),
  ];
}

function literals(values: Readonly<Record<string, string>>): EnvVar[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}

function gatewayEnvironment({ workload }: Part): Record<string, string> {
  return {
    GATEWAY_HOST: '0.0.0.0',
    GATEWAY_PORT: String(workload.port),
    METRICS_PORT: String(workload.metricsPort),
    SHARD_TABLE_FILE: `${paths.shards}/${shardsKey}`,
    API_KEY_FILE: `${paths.apiKey}/api-key`,
    INTERNAL_TOKEN_FILE: `${paths.internal}/token`,
  };
}

function serviceEnvironment(part: Part): Record<string, string> {
  const { workload } = part;
  return {
    GRPC_HOST: '0.0.0.0',
    GRPC_PORT: String(workload.port),
    METRICS_PORT: String(workload.metricsPort),
    DATA_DIR: paths.data,
    INTERNAL_TOKEN_FILE: `${paths.internal}/token`,
    TORI_TRACK: workload.track,
    TORI_REVISION: workload.revision,
    ...peerAddresses(part),
    ...busEnvironment(part),
  };
}

function peerAddresses({ cluster, workload }: Part): Record<string, string> {
  const namespace = namespaceOf(cluster);
  const { name } = cluster.metadata;
  return Object.fromEntries(
    workload.peers.map((peer) => [
      `${peer.toUpperCase()}_ADDRESS`,
      `${hostOf(namespace, partName(name, peer, workload.track))}:${programs[peer].port}`,
    ]),
  );
}

function busEnvironment({ cluster, workload }: Part): Record<string, string> {
  if (cluster.spec.bus.driver !== 'redis') return {};
  return {
    BUS_DRIVER: 'redis',
    BUS_PREFIX: `${namespaceOf(cluster)}:${cluster.metadata.name}:${workload.track}`,
    REDIS_URL_FILE: `${paths.redis}/url`,
  };
}
