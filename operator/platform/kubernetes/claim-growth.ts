import type { Statement } from '../../api/conditions.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { ApiError, resourceType, type ApiClient, type KubeObject } from '../../runtime/index.js';
import { fieldManager } from './field-manager.js';
import type { WantedClaim } from './render/input.js';
import { labels } from './render/names.js';

interface Claim extends KubeObject {
  readonly spec?: { readonly resources?: { readonly requests?: { readonly storage?: string } } };
}

const claimType = resourceType<Claim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');

/** Growth that was refused is tried again after so long, in milliseconds. */
const refusedMs = 10 * 60_000;

/**
 * Grows volume claims to the size in the spec, where Kubernetes keeps the size in the claim template of a StatefulSet as it
 * was. Whether the storage can grow is for its class to say: what it refuses is told and tried again, and holds up nothing.
 */
export class ClaimGrowth {
  readonly #client: ApiClient;
  readonly #now: () => number;
  #refused: { readonly at: number; readonly of: string; readonly told: readonly Statement[] } | undefined;
  /** Sizes that were asked for already, by claim. */
  readonly #asked = new Map<string, string>();

  /** @param now milliseconds of a clock that is never set back */
  constructor(client: ApiClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** @returns a condition when growth was refused */
  async grow(
    cluster: Stored<MemoryCluster>,
    claims: readonly WantedClaim[],
    signal: AbortSignal,
  ): Promise<readonly Statement[]> {
    const open = claims.filter(({ name, size }) => this.#asked.get(name) !== size);
    if (open.length === 0) return [];
    const of = JSON.stringify(open);
    if (this.#refused?.of === of && this.#now() - this.#refused.at < refusedMs) return this.#refused.told;
    const refusals = await this.#growAll(cluster, open, signal);
    if (refusals.length === 0) return [];
    const message = refusals.join('; ').slice(0, 1_024);
    const told = [{ type: 'ApplyFailed', status: 'True', reason: 'VolumeNotGrown', message }] as const;
    this.#refused = { at: this.#now(), of, told };
    return told;
  }

  /** @returns what was refused, and why */
  async #growAll(
    { metadata: { name: cluster, namespace } }: Stored<MemoryCluster>,
    open: readonly WantedClaim[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const refusals: string[] = [];
    const labelSelector = `${labels.cluster}=${cluster}`;
    const { items } = await this.#client.list(claimType, { namespace, labelSelector, signal });
    for (const { name, size } of open) {
      const found = items.find(({ metadata }) => metadata.name === name);
      if (found === undefined) continue;
      const grown = found.spec?.resources?.requests?.storage === size;
      const refusal = grown ? undefined : await this.#growOne(found, size, signal);
      if (refusal === undefined) this.#asked.set(name, size);
      else refusals.push(refusal);
    }
    return refusals;
  }

  async #growOne({ metadata }: Claim, size: string, signal: AbortSignal): Promise<string | undefined> {
    const patch = { spec: { resources: { requests: { storage: size } } } };
    try {
      await this.#client.patch(claimType, metadata, patch, { type: 'merge', fieldManager, signal });
      return undefined;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return error.message;
    }
  }
}

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 403 || error.status === 422);
}
