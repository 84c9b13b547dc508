import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { ApiClient, KubeObject } from '../../runtime/index.js';
import { confirmUnchanged } from './confirm.js';
import { volumeClaimType } from './kinds.js';
import { labels } from './render/names.js';

/** Volume claims of a cluster's canary. They are asked for, not watched: it has some for as long as a rollout takes. */
export async function canaryVolumes(
  client: ApiClient,
  { metadata: { name, namespace } }: MemoryCluster,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const labelSelector = `${labels.cluster}=${name},${labels.track}=canary`;
  return (await client.list(volumeClaimType, { namespace, labelSelector, signal })).items;
}

/**
 * Deletes the volumes of a canary whose episodes are all in stable. What is deleted was listed before the cluster was
 * confirmed, so that an operator that was overtaken can never delete the volumes of the next canary.
 */
export async function removeCanaryVolumes(
  client: ApiClient,
  cluster: Stored<MemoryCluster>,
  signal: AbortSignal,
): Promise<void> {
  const volumes = (await canaryVolumes(client, cluster, signal)).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
  if (volumes.length === 0) return;
  await confirmUnchanged(client, cluster, signal);
  for (const { metadata } of volumes) {
    await client.delete(volumeClaimType, metadata, {
      ...(metadata.uid !== undefined && { uid: metadata.uid }),
      signal,
    });
  }
}
