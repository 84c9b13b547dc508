import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { ApiClient, KubeObject } from '../../runtime/index.js';
import { confirmUnchanged } from './confirm.js';
import { volumeClaimType } from './kinds.js';
import { labels } from './render/names.js';

/** What may be deleted of a canary. */
export interface CanaryScope {
  /** Whether everything that its volumes hold is in stable. */
  readonly drained: boolean;
  readonly signal: AbortSignal;
}

/**
 * Volume claims that go with a cluster's canary. They are asked for, not watched: it has some for as long as a rollout takes.
 * Those that are older than the cluster are left of one of its name that was deleted amid a canary. They hold episodes that
 * nobody else has: they go only after a drain, and until then wait for the next canary, which takes them up.
 */
export async function canaryVolumes(
  client: ApiClient,
  { metadata: { name, namespace, creationTimestamp = '' } }: MemoryCluster,
  { drained, signal }: CanaryScope,
): Promise<readonly KubeObject[]> {
  const labelSelector = `${labels.cluster}=${name},${labels.track}=canary`;
  const { items } = await client.list(volumeClaimType, { namespace, labelSelector, signal });
  const isOwn = (volume: KubeObject) =>
    Date.parse(volume.metadata.creationTimestamp ?? '') >= Date.parse(creationTimestamp);
  return items.filter((volume) => drained || isOwn(volume));
}

/**
 * Deletes the volumes of a canary whose episodes are all in stable. What is deleted was listed before the cluster was
 * confirmed, so that an operator that was overtaken can never delete the volumes of the next canary.
 */
export async function removeCanaryVolumes(
  client: ApiClient,
  cluster: Stored<MemoryCluster>,
  scope: CanaryScope,
): Promise<void> {
  const volumes = (await canaryVolumes(client, cluster, scope)).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
  if (volumes.length === 0) return;
  const { signal } = scope;
  await confirmUnchanged(client, cluster, signal);
  for (const { metadata } of volumes) {
    await client.delete(volumeClaimType, metadata, {
      ...(metadata.uid !== undefined && { uid: metadata.uid }),
      signal,
    });
  }
}
