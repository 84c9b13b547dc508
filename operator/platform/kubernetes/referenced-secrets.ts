import type { Statement } from '../../api/conditions.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { ApiClient } from '../../runtime/index.js';
import { secretType } from './kinds.js';

/** How often a Secret that is missing is looked for. */
export const lookAgainMs = 15_000;

interface Reference {
  readonly path: string;
  readonly name: string;
  readonly key: string;
}

/**
 * Secrets that a spec names and somebody else makes. They are read by name, and only while something does not start: pods
 * that wait for one say nothing but that they are being created.
 */
export class ReferencedSecrets {
  readonly #client: ApiClient;
  readonly #now: () => number;
  #last: { readonly at: number; readonly of: string; readonly missing: readonly Statement[] } | undefined;

  constructor(client: ApiClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** A condition for those that are missing. */
  async missing(cluster: MemoryCluster, signal: AbortSignal): Promise<readonly Statement[]> {
    const references = referencesOf(cluster);
    if (references.length === 0) return [];
    const of = JSON.stringify(references);
    const last = this.#last;
    if (last?.of === of && this.#now() - last.at < lookAgainMs) return last.missing;
    const faults = await Promise.all(references.map((one) => this.#faultOf(cluster, one, signal)));
    const found = faults.filter((fault) => fault !== undefined);
    const missing: readonly Statement[] =
      found.length === 0
        ? []
        : [{ type: 'SecretMissing', status: 'True', reason: 'NotFound', message: found.join('; ') }];
    this.#last = { at: this.#now(), of, missing };
    return missing;
  }

  async #faultOf(
    { metadata: { namespace } }: MemoryCluster,
    { path, name, key }: Reference,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const ref = { name, ...(namespace !== undefined && { namespace }) };
    const secret = await this.#client.find(secretType, ref, { signal });
    if (secret === undefined) return `${path}: there is no Secret ${name}`;
    return secret.data?.[key] === undefined ? `${path}: Secret ${name} has no key ${key}` : undefined;
  }
}

function referencesOf({ spec }: MemoryCluster): Reference[] {
  const named = {
    'spec.services.gateway.apiKeySecret': spec.services.gateway.apiKeySecret,
    'spec.bus.redisSecret': spec.bus.redisSecret,
    'spec.monitoring.prometheus.tokenSecret': spec.monitoring.prometheus?.tokenSecret,
  };
  return Object.entries(named).flatMap(([path, reference]) =>
    reference === undefined ? [] : [{ path, ...reference }],
  );
}
