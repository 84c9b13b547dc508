import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { ShardTable } from '../../../services/common/shards/table.js';
import type { Plan, Stored } from '../../reconcile/reconcile.js';
import type { Intent } from '../../rollout/intents.js';
import { isAlreadyExists, isNotFound, keyOf, type ApiClient } from '../../runtime/index.js';
import { publishedTable, shardTableOf } from '../../tracks/shard-table.js';
import type { Addresses } from './addresses.js';
import type { Caches } from './caches.js';
import { configMapType, kindKey, podType, type ConfigMap } from './kinds.js';
import { epochAnnotation, fieldManager } from './field-manager.js';
import { isOwnedBy, ownedMetadata } from './owned.js';
import { appliedAnnotation, shardsKey, shardsName } from './render/names.js';
import { appliedHash } from './render/object.js';
import { heldFields, type Child, type Pod } from './trim.js';

interface PublisherContext {
  readonly client: ApiClient;
  readonly caches: Caches;
  readonly addresses: Addresses;
}

/**
 * Publishes a cluster's shard table as a ConfigMap, by compare-and-set, so that an operator that was overtaken can never put
 * an older table in the place of a newer one.
 */
export class TablePublisher {
  readonly #context: PublisherContext;
  /** Wish that we published and the version in the cache when we did. */
  #ahead: { readonly cached: string | undefined; readonly hash: string } | undefined;

  /** What others held of it after our last publication. */
  #accepted = '';

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  /** Whether the published table is the wanted one, as far as the cache shows. */
  inSync(plan: Plan): boolean {
    const { cluster } = plan;
    const hash = appliedHash(this.#wish(plan));
    const cached = this.#cached(cluster);
    const version = cached?.metadata.resourceVersion;
    if (this.#ahead !== undefined && this.#ahead.cached === version) return this.#ahead.hash === hash;
    this.#ahead = undefined;
    if (cached?.metadata.annotations?.[appliedAnnotation] !== hash) return false;
    return cached.held.foreign === this.#accepted;
  }

  /** Publishes the table that the intents ask for, unless it is. */
  async publish(plan: Plan, signal: AbortSignal): Promise<void> {
    const intent = publishIntent(plan);
    if (intent === undefined || this.inSync(plan)) return;
    const cached = this.#cached(plan.cluster)?.metadata.resourceVersion;
    const stored = await this.#replace(plan, intent, signal);
    this.#accepted = heldFields(stored.metadata).foreign;
    this.#ahead = { cached, hash: appliedHash(this.#wish(plan)) };
  }

  async #replace(plan: Plan, intent: PublishIntent, signal: AbortSignal): Promise<ConfigMap> {
    const { client } = this.#context;
    const options = { fieldManager, signal };
    const mapOver = (found: ConfigMap | undefined) =>
      this.#map(plan, found, this.#text(plan, intent, publishable(found, plan, intent)));
    // A cluster that was never looked at has none, as a rule.
    if (plan.cluster.status === undefined) {
      try {
        return await client.create(configMapType, mapOver(undefined), options);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
    const found = await client.find(configMapType, tableRef(plan.cluster), { signal });
    return found === undefined
      ? client.create(configMapType, mapOver(undefined), options)
      : client.update(configMapType, mapOver(found), options);
  }

  /** Makes the kubelet of each gateway refresh the mounted table now instead of within a minute. */
  async hint(pods: readonly Pod[], epoch: number, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const value = String(epoch);
    await Promise.all(
      pods
        .filter(({ metadata }) => metadata.annotations?.[epochAnnotation] !== value)
        .map(async ({ metadata }) => {
          const patch = { metadata: { annotations: { [epochAnnotation]: value } } };
          const options = { type: 'merge', fieldManager, signal } as const;
          await client.patch(podType, metadata, patch, options).catch((error: unknown) => {
            // It has gone since it was seen.
            if (!isNotFound(error)) throw error;
          });
        }),
    );
  }

  #cached(cluster: Stored<MemoryCluster>): Child | undefined {
    const key = keyOf({ metadata: tableRef(cluster) });
    return this.#context.caches.children.get(kindKey(configMapType))?.get(key);
  }

  #text({ cluster, rollout }: Plan, intent: PublishIntent, before: ShardTable | undefined): string {
    const table = shardTableOf(intent, {
      routingKey: cluster.spec.routing.key,
      rollout,
      addresses: (track) => this.#context.addresses.track(cluster, track),
      before,
    });
    return `${JSON.stringify(table, undefined, 2)}\n`;
  }

  /** The ConfigMap to store; with the version that it replaces, when it replaces one. */
  #map(plan: Plan, found: ConfigMap | undefined, text: string): ConfigMap {
    const { resourceVersion } = found?.metadata ?? {};
    return {
      metadata: {
        ...ownedMetadata(plan.cluster, shardsName(plan.cluster.metadata.name)),
        annotations: { [appliedAnnotation]: appliedHash(this.#wish(plan)) },
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      data: { [shardsKey]: text },
    };
  }

  /** Everything that the table is made of but the peak, which is made of the table before. */
  #wish(plan: Plan): unknown {
    const { cluster, rollout } = plan;
    const table = shardTableOf(publishIntent(plan) ?? rollout.table, {
      routingKey: cluster.spec.routing.key,
      rollout,
      addresses: (track) => this.#context.addresses.track(cluster, track),
      before: undefined,
    });
    return { table, owner: cluster.metadata.uid };
  }
}

type PublishIntent = Extract<Intent, { type: 'publishTable' }>;

function publishIntent({ intents }: Plan): PublishIntent | undefined {
  return intents.find((intent) => intent.type === 'publishTable');
}

function tableRef({ metadata: { name, namespace } }: MemoryCluster) {
  return { name: shardsName(name), ...(namespace !== undefined && { namespace }) };
}

/**
 * The table that is published, which ours may replace.
 * @throws Error when it is not this cluster's, or newer than ours
 */
function publishable(
  found: ConfigMap | undefined,
  { cluster }: Plan,
  intent: PublishIntent,
): ShardTable | undefined {
  if (found === undefined) return undefined;
  // Without an owner it was left on purpose by who deleted its cluster, and is taken over.
  if (!isOwnedBy(found, cluster) && (found.metadata.ownerReferences ?? []).length > 0) {
    throw new Error(`ConfigMap ${found.metadata.name} belongs to an earlier cluster and goes soon`);
  }
  const before = publishedTable(found.data?.[shardsKey]);
  if (before === undefined || before.epoch <= intent.epoch) return before;
  throw new Error(
    `the published shard table has epoch ${before.epoch}, ours is ${intent.epoch}: somebody else leads, or status was lost`,
  );
}
