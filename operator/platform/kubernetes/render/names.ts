import { group } from '../../../api/resource.js';
import type { ServiceName } from '../../../api/services-spec.js';
import type { Track } from '../../../cluster/workloads.js';

/** Labels and annotations that we set. Those of the parent are never copied: GitOps tools track objects by them. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  name: 'app.kubernetes.io/name',
  cluster: `${group}/cluster`,
  service: `${group}/service`,
  track: `${group}/track`,
  revision: `${group}/revision`,
} as const;

/** Value of {@link labels.managedBy} and {@link labels.name}. */
export const product = 'tori-memory';

/** Annotation of every rendered object: the hash of what it was rendered to. */
export const appliedAnnotation = `${group}/applied`;

/** A part of a cluster that has pods; `redis` is the managed one. */
export type PartName = ServiceName | 'redis';

/**
 * Name of the workload and of the Service of a part: `memory-vault`, `memory-vault-canary`. The gateway and Redis serve both
 * tracks and have one name.
 */
export function partName(cluster: string, part: PartName, track: Track = 'stable'): string {
  return track === 'canary' ? `${cluster}-${part}-canary` : `${cluster}-${part}`;
}

/** Name of the headless Service that a StatefulSet of this name needs. */
export function headlessName(statefulSet: string): string {
  return `${statefulSet}-headless`;
}

/** Name of the claim that a pod of a StatefulSet keeps its data in. */
export function claimName(statefulSet: string, ordinal = 0): string {
  return `data-${statefulSet}-${ordinal}`;
}

/** Name of the ConfigMap with the shard table, which is not rendered but published by compare-and-set. */
export function shardsName(cluster: string): string {
  return `${cluster}-shards`;
}

/** The key of the shard table in its ConfigMap. */
export const shardsKey = 'table.json';

/** Name of the ConfigMap with the parameters that the pods of a track start with. */
export function parametersName(cluster: string, track: Track): string {
  return `${cluster}-parameters-${track}`;
}

/** A key of a Secret. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** The token that services want of their callers; made once by the operator. */
export function internalTokenSecret(cluster: string): SecretKey {
  return { name: `${cluster}-internal`, key: 'token' };
}

/** The API key of the gateway where the spec names none; made once by the operator. */
export function apiKeySecret(cluster: string): SecretKey {
  return { name: `${cluster}-api-key`, key: 'api-key' };
}

/** The Secret of the managed Redis, with the keys `url` and `password`; made once by the operator. */
export function redisSecret(cluster: string): string {
  return `${cluster}-redis`;
}

/** Host name of a part inside the Kubernetes cluster. */
export function hostOf(namespace: string, name: string): string {
  return `${name}.${namespace}.svc`;
}
