import { createHash } from 'node:crypto';
import type { PodTemplateSpec, StatefulSetSpec } from './shapes.js';
import type { MemoryCluster } from '../../../api/memory-cluster.js';
import type { Stored } from '../../../reconcile/reconcile.js';
import type { RenderInput, RenderOptions, WantedClaim } from './input.js';
import { claimName, headlessName, labels, partName, redisSecret } from './names.js';
import { child, clusterLabels, type RenderedObject } from './object.js';
import { serviceLabels } from './part.js';
import { resourcesOf } from './resources.js';
import { containerSecurity, podSecurity } from './security.js';
import { secret, volumeMountsOf, volumesOf, type Mounted } from './volumes.js';
import { claimTemplate, retention } from './workloads.js';

export const redisPort = 6379;

/**
 * The configuration of the managed Redis. Nothing rests on what it keeps: after a crash relays fill its streams again from
 * the outboxes (docs/bus.md), and the file only makes that short. It refuses before its container runs out of memory, and
 * never evicts: events wait in the outboxes.
 */
const configuration = `bind * -::*
port ${redisPort}
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory 160mb
maxmemory-policy noeviction
`;

const password = '/etc/tori/redis/password';
const authenticated = (command: string) => `REDISCLI_AUTH="$(cat ${password})" ${command}`;

/** Whether the operator runs the Redis of a cluster. */
export function managesRedis({ spec }: MemoryCluster): boolean {
  return spec.bus.driver === 'redis' && spec.bus.redisSecret === undefined;
}

/** The managed Redis, where the cluster wants the redis driver and names none of its own. */
export function redisObjects(
  cluster: Stored<MemoryCluster>,
  options: RenderOptions,
  sizes: RenderInput['claimTemplateSizes'] = {},
): RenderedObject[] {
  if (!managesRedis(cluster)) return [];
  const name = partName(cluster.metadata.name, 'redis');
  const head = { labels: serviceLabels('redis') };
  const ports = [{ name: 'redis', port: redisPort, targetPort: 'redis', protocol: 'TCP' }];
  const service = { type: 'ClusterIP', selector: selectorOf(cluster), ports };
  const size = sizes[name] ?? cluster.spec.bus.volume.size;
  return [
    child(
      cluster,
      { ...head, apiVersion: 'v1', kind: 'ConfigMap', name },
      { data: { 'redis.conf': configuration } },
    ),
    child(cluster, { ...head, apiVersion: 'v1', kind: 'Service', name }, { spec: service }),
    child(
      cluster,
      { ...head, apiVersion: 'v1', kind: 'Service', name: headlessName(name) },
      { spec: { ...service, clusterIP: 'None', publishNotReadyAddresses: true } },
    ),
    child(
      cluster,
      { ...head, apiVersion: 'apps/v1', kind: 'StatefulSet', name },
      { spec: statefulSet(cluster, options, size) },
    ),
  ];
}

/** The claim of the managed Redis. */
export function redisClaims(cluster: Stored<MemoryCluster>): WantedClaim[] {
  if (!managesRedis(cluster)) return [];
  return [{ name: claimName(partName(cluster.metadata.name, 'redis')), size: cluster.spec.bus.volume.size }];
}

function selectorOf({ metadata }: MemoryCluster): Record<string, string> {
  return { [labels.cluster]: metadata.name, ...serviceLabels('redis') };
}

function statefulSet(cluster: Stored<MemoryCluster>, options: RenderOptions, size: string): StatefulSetSpec {
  return {
    replicas: 1,
    revisionHistoryLimit: 3,
    serviceName: headlessName(partName(cluster.metadata.name, 'redis')),
    selector: { matchLabels: selectorOf(cluster) },
    podManagementPolicy: 'Parallel',
    updateStrategy: { type: 'RollingUpdate' },
    persistentVolumeClaimRetentionPolicy: retention(cluster.spec.storage.deletionPolicy),
    template: podTemplate(cluster, options),
    volumeClaimTemplates: [claimTemplate({ ...cluster.spec.bus.volume, size })],
  };
}

function podTemplate(cluster: Stored<MemoryCluster>, { redisImage }: RenderOptions): PodTemplateSpec {
  const { name } = cluster.metadata;
  const { imagePullPolicy } = cluster.spec;
  const mounts: Mounted[] = [
    { name: 'data', path: '/data' },
    { name: 'run', path: '/run/redis', source: { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } } },
    {
      name: 'configuration',
      path: '/etc/redis',
      readOnly: true,
      source: { configMap: { name: partName(name, 'redis') } },
    },
    secret('redis', '/etc/tori/redis', { name: redisSecret(name), key: 'password', file: 'password' }),
  ];
  const ping = { exec: { command: ['sh', '-c', authenticated('redis-cli ping | grep -q PONG')] } };
  return {
    metadata: {
      labels: { ...clusterLabels(name), ...serviceLabels('redis') },
      annotations: { 'memory.tori.dev/configuration': digest(configuration) },
    },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity,
      terminationGracePeriodSeconds: 60,
      containers: [
        {
          name: 'redis',
          image: redisImage,
          ...(imagePullPolicy !== undefined && { imagePullPolicy }),
          command: ['sh', '-c', start],
          ports: [{ name: 'redis', containerPort: redisPort }],
          // It answers LOADING, not PONG, until it has read its file.
          startupProbe: { ...ping, periodSeconds: 2, failureThreshold: 150, timeoutSeconds: 3 },
          readinessProbe: { ...ping, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 3 },
          livenessProbe: { tcpSocket: { port: redisPort }, periodSeconds: 10, failureThreshold: 6 },
          resources: resourcesOf('redis'),
          securityContext: containerSecurity,
          volumeMounts: volumeMountsOf(mounts),
        },
      ],
      volumes: volumesOf(mounts),
    },
  };
}

/** The password goes in by a file in memory: an argument would stand in the list of processes. */
const start = [
  'umask 077',
  `{ cat /etc/redis/redis.conf; echo "requirepass $(cat ${password})"; } > /run/redis/redis.conf`,
  'exec redis-server /run/redis/redis.conf',
].join(' && ');

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
