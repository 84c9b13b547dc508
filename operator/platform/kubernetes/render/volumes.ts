import type { Volume, VolumeMount } from './shapes.js';
import type { MemoryCluster } from '../../../api/memory-cluster.js';
import { paths } from './environment.js';
import {
  apiKeySecret,
  internalTokenSecret,
  redisSecret,
  shardsKey,
  shardsName,
  type SecretKey,
} from './names.js';
import type { Part } from './part.js';
import { secretMode } from './security.js';

/** Something that is mounted; without `source` it is the claim of the StatefulSet. */
export interface Mounted {
  readonly name: string;
  readonly path: string;
  readonly source?: Omit<Volume, 'name'>;
  readonly readOnly?: boolean;
}

/** Everything that a part mounts. */
export function mountsOf(part: Part): Mounted[] {
  return [
    { name: 'tmp', path: paths.temporary, source: { emptyDir: { sizeLimit: '128Mi' } } },
    secret('internal', paths.internal, { ...internalTokenSecret(part.cluster.metadata.name), file: 'token' }),
    ...(part.workload.service === 'gateway' ? gatewayMounts(part.cluster) : serviceMounts(part)),
  ];
}

/** Volumes of a pod. */
export function volumesOf(mounts: readonly Mounted[]): Volume[] {
  return mounts.flatMap(({ name, source }) => (source === undefined ? [] : [{ name, ...source }]));
}

/** Mounts of its container. */
export function volumeMountsOf(mounts: readonly Mounted[]): VolumeMount[] {
  return mounts.map(({ name, path, readOnly }) => ({
    name,
    mountPath: path,
    ...(readOnly === true && { readOnly }),
  }));
}

/** One key of a Secret as a file. */
export function secret(
  name: string,
  path: string,
  { name: secretName, key, file }: SecretKey & { readonly file: string },
): Mounted {
  const items = [{ key, path: file }];
  return { name, path, readOnly: true, source: { secret: { secretName, items, defaultMode: secretMode } } };
}

function gatewayMounts({ metadata, spec }: MemoryCluster): Mounted[] {
  const key = spec.services.gateway.apiKeySecret ?? apiKeySecret(metadata.name);
  return [
    secret('api-key', paths.apiKey, { ...key, file: 'api-key' }),
    {
      name: 'shards',
      path: paths.shards,
      readOnly: true,
      // A folder, not a file: only so the kubelet renews it. Without a table the gateway starts, and is not ready.
      source: {
        configMap: {
          name: shardsName(metadata.name),
          items: [{ key: shardsKey, path: shardsKey }],
          optional: true,
        },
      },
    },
  ];
}

function serviceMounts({ cluster, workload }: Part): Mounted[] {
  const { bus } = cluster.spec;
  const url = bus.redisSecret ?? { name: redisSecret(cluster.metadata.name), key: 'url' };
  return [
    {
      name: 'data',
      path: paths.volume,
      // What has no volume keeps nothing that another start would miss.
      ...(workload.volume === undefined && { source: { emptyDir: { sizeLimit: '256Mi' } } }),
    },
    ...(bus.driver === 'redis' ? [secret('redis', paths.redis, { ...url, file: 'url' })] : []),
  ];
}
