import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { metadataOf, type ApiClient } from '../../runtime/index.js';
import { clusterType } from './kinds.js';

/** Something was decided on a cluster that looks different by now. */
export class OutdatedError extends Error {
  override readonly name = 'OutdatedError';
}

/**
 * Asks the API server whether a cluster is still what was decided on. Called before anything is deleted, and
 * before a new leader brings anything about.
 * @throws OutdatedError when somebody has written to it since
 */
export async function confirmUnchanged(
  client: ApiClient,
  { metadata }: Stored<MemoryCluster>,
  signal: AbortSignal,
): Promise<void> {
  const now = await client.get(metadataOf(clusterType), metadata, { signal });
  const { uid, resourceVersion } = now.metadata;
  if (uid === metadata.uid && resourceVersion === metadata.resourceVersion) return;
  throw new OutdatedError(`${metadata.name} has changed since this was decided; it is decided anew`);
}
