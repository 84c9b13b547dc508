import { randomBytes } from 'node:crypto';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { isAlreadyExists, type ApiClient } from '../../runtime/index.js';
import { secretType, type Secret } from './kinds.js';
import { fieldManager } from './field-manager.js';
import { apiKeySecret, hostOf, internalTokenSecret, partName, redisSecret } from './render/names.js';
import { isOwnedBy, ownedMetadata } from './owned.js';

/** How long a look at the secrets is good for. */
const checkEveryMs = 10 * 60_000;

/** Secrets that were made for one cluster, and what is needed of them. */
export interface ClusterSecrets {
  /** What the services want from their callers. */
  readonly internalToken: string;
}

interface Made {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Makes the secrets of a cluster where they are missing. They are read and created by name and never listed, watched or
 * overwritten: a person may put other values into them.
 */
export class SecretMaker {
  readonly #client: ApiClient;
  readonly #now: () => number;
  #last:
    | { readonly at: number; readonly uid: string; readonly names: string; readonly secrets: ClusterSecrets }
    | undefined;

  constructor(client: ApiClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** What the secrets held when they were last looked at. */
  get known(): ClusterSecrets | undefined {
    return this.#last?.secrets;
  }

  /** @param anew looks even if a look is not long ago: something does not start */
  async ensure(cluster: Stored<MemoryCluster>, anew: boolean, signal: AbortSignal): Promise<ClusterSecrets> {
    const { uid } = cluster.metadata;
    const last = this.#last;
    const freshMs = anew ? checkEveryMs / 10 : checkEveryMs;
    const wanted = wantedSecrets(cluster);
    const names = wanted.map(({ name }) => name).join();
    const known = last?.uid === uid && last.names === names;
    if (known && this.#now() - last.at < freshMs) return last.secrets;
    const [internal] = await Promise.all(wanted.map((made) => this.#ensureOne(cluster, made, signal)));
    const secrets = { internalToken: textOf(internal, internalTokenSecret(cluster.metadata.name).key) };
    this.#last = { at: this.#now(), uid, names, secrets };
    return secrets;
  }

  async #ensureOne(
    cluster: Stored<MemoryCluster>,
    { name, data }: Made,
    signal: AbortSignal,
  ): Promise<Secret> {
    const metadata = ownedMetadata(cluster, name);
    const found = this.#areNew(cluster)
      ? undefined
      : await this.#client.find(secretType, metadata, { signal });
    if (found !== undefined) return usable(found, cluster);
    const secret: Secret = {
      metadata,
      type: 'Opaque',
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      ),
    };
    try {
      return await this.#client.create(secretType, secret, { fieldManager, signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return usable(await this.#client.get(secretType, metadata, { signal }), cluster);
    }
  }

  /** Whether they are not there yet, as a rule: then they are made without a look. */
  #areNew({ metadata, status }: Stored<MemoryCluster>): boolean {
    const installing = status?.rollout === undefined || status.rollout.state === 'Installing';
    return installing && this.#last?.uid !== metadata.uid;
  }
}

/** @throws Error when it belongs to another cluster than this one */
function usable(secret: Secret, cluster: Stored<MemoryCluster>): Secret {
  if (isOwnedBy(secret, cluster) || (secret.metadata.ownerReferences ?? []).length === 0) return secret;
  throw new Error(`Secret ${secret.metadata.name} belongs to an earlier cluster of this name and goes soon`);
}

/** The internal token comes first. */
function wantedSecrets({ metadata: { name, namespace = '' }, spec }: MemoryCluster): readonly Made[] {
  const internal = internalTokenSecret(name);
  const apiKey = apiKeySecret(name);
  const password = randomText();
  return [
    { name: internal.name, data: { [internal.key]: randomText() } },
    ...(spec.services.gateway.apiKeySecret === undefined
      ? [{ name: apiKey.name, data: { [apiKey.key]: `tori_${randomText()}` } }]
      : []),
    ...(spec.bus.driver === 'redis' && spec.bus.redisSecret === undefined
      ? [
          {
            name: redisSecret(name),
            data: {
              url: `redis://:${password}@${hostOf(namespace, partName(name, 'redis'))}:6379`,
              password,
            },
          },
        ]
      : []),
  ];
}

function randomText(): string {
  return randomBytes(24).toString('base64url');
}

function textOf(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
}
