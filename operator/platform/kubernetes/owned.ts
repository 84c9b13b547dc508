import type { MemoryCluster } from '../../api/memory-cluster.js';
import { apiVersion } from '../../api/resource.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { KubeObject, ObjectMeta } from '../../runtime/index.js';
import { clusterLabels } from './render/object.js';

/** Metadata of an object that belongs to a cluster and goes with it. */
export function ownedMetadata({ metadata }: Stored<MemoryCluster>, name: string): ObjectMeta {
  return {
    name,
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    labels: clusterLabels(metadata.name),
    ownerReferences: [
      { apiVersion, kind: 'MemoryCluster', name: metadata.name, uid: metadata.uid, controller: true },
    ],
  };
}

/** Whether an object belongs to this very cluster, not to an earlier one of its name. */
export function isOwnedBy({ metadata }: KubeObject, cluster: Stored<MemoryCluster>): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === cluster.metadata.uid) === true;
}
