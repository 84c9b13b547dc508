import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { resourceType, type ApiClient, type KubeObject } from '../../runtime/index.js';
import { fieldManager } from './field-manager.js';
import type { WantedClaim } from './render/input.js';
import { labels } from './render/names.js';

interface Claim extends KubeObject {
  readonly spec?: { readonly resources?: { readonly requests?: { readonly storage?: string } } };
}

const claimType = resourceType<Claim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');

/**
 * Grows volume claims to the size in the spec, where Kubernetes keeps the size in the claim template of a StatefulSet as it
 * was. Whether the storage can grow is for its class to say: what it refuses is told and tried again.
 */
export class ClaimGrowth {
  readonly #client: ApiClient;
  /** Sizes that were asked for already, by claim. */
  readonly #asked = new Map<string, string>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async grow(
    { metadata: { name: cluster, namespace } }: Stored<MemoryCluster>,
    claims: readonly WantedClaim[],
    signal: AbortSignal,
  ): Promise<void> {
    const open = claims.filter(({ name, size }) => this.#asked.get(name) !== size);
    if (open.length === 0) return;
    const labelSelector = `${labels.cluster}=${cluster}`;
    const { items } = await this.#client.list(claimType, { namespace, labelSelector, signal });
    for (const { name, size } of open) {
      const found = items.find(({ metadata }) => metadata.name === name);
      if (found === undefined) continue;
      if (found.spec?.resources?.requests?.storage !== size) {
        const patch = { spec: { resources: { requests: { storage: size } } } };
        await this.#client.patch(claimType, found.metadata, patch, { type: 'merge', fieldManager, signal });
      }
      this.#asked.set(name, size);
    }
  }
}
