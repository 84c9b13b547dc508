import type { Logger } from '../../../services/common/logger.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import {
  isConflict,
  keyOf,
  metadataOf,
  type ApiClient,
  type KubeObject,
  type ResourceType,
} from '../../runtime/index.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { Caches } from './caches.js';
import { childKinds, kindKey, type ChildKind } from './kinds.js';
import { fieldManager } from './field-manager.js';
import { appliedAnnotation } from './render/names.js';
import { heldFields, type Child, type Held, type Workload } from './trim.js';
import type { WantedObject } from './wanted-object.js';

/** Children are rendered by types: there are no unknown fields to find. */
const asOurs = { fieldManager, fieldValidation: 'Ignore' } as const;

/** What children are synchronized with. */
interface ChildrenContext {
  readonly client: ApiClient;
  readonly caches: Caches;
  readonly logger: Logger;
}

/** What we know of a child that the cache does not show yet. */
interface Ahead {
  /** Version in the cache when we applied; undefined when it was not there. */
  readonly cached: string | undefined;
  readonly hash: string;
}

/** An object has the name of a child and belongs to somebody else: a cluster of this name that is going, for example. */
export class TakenError extends Error {
  override readonly name = 'TakenError';

  constructor(kind: string, { metadata }: KubeObject) {
    super(`${kind} ${metadata.name} is there already and belongs to somebody else; it is not touched`);
  }
}

/**
 * Brings children of clusters about by server-side apply, and deletes those that are no longer wanted.
 *
 * A child is in sync when it was made from what we would render now, and its fields are held by whom they were held after our
 * own last apply. Anything else is applied again: that is how drift is repaired, and why rest means no requests.
 */
export class Children {
  readonly #context: ChildrenContext;
  /** Who held what after our last apply, by child. */
  readonly #accepted = new Map<string, Held>();
  readonly #ahead = new Map<string, Ahead>();

  constructor(context: ChildrenContext) {
    this.#context = context;
  }

  /**
   * Applies what is not in sync, kind by kind.
   * @returns kinds that were wanted and that this API server does not serve
   */
  async apply(wanted: readonly WantedObject[], signal: AbortSignal): Promise<readonly ChildKind[]> {
    const missing: ChildKind[] = [];
    for (const kind of childKinds) {
      const key = kindKey(kind.type);
      const objects = wanted.filter((object) => kindKey(object) === key);
      if (objects.length === 0) continue;
      if (this.#context.caches.children.get(key) === undefined) missing.push(kind);
      else await Promise.all(objects.map((object) => this.#applyOne(kind, object, signal)));
    }
    return missing;
  }

  /** Those of the wanted objects that are not in sync. */
  open(wanted: readonly KubeObject[]): readonly KubeObject[] {
    return wanted.filter((object) => {
      const informer = this.#context.caches.children.get(kindKey(object));
      if (informer === undefined) return false;
      return !this.#inSync(object, informer.get(keyOf(object)));
    });
  }

  /** Whether we applied an object and the cache does not show it yet. */
  isAhead(kind: ResourceType, cached: KubeObject): boolean {
    return this.#ahead.get(`${kindKey(kind)} ${keyOf(cached)}`)?.cached === cached.metadata.resourceVersion;
  }

  /** Children of a cluster that nobody asks for any more. */
  unwanted(cluster: Stored<MemoryCluster>, wanted: readonly KubeObject[], kept: readonly string[]): Child[] {
    const names = new Set(wanted.map((object) => `${kindKey(object)} ${object.metadata.name}`));
    return [...this.#context.caches.children].flatMap(([key, informer]) =>
      informer
        .by('cluster', keyOf(cluster))
        .filter(
          ({ metadata: { name, deletionTimestamp, ownerReferences } }) =>
            deletionTimestamp === undefined &&
            !names.has(`${key} ${name}`) &&
            !kept.includes(`${key} ${name}`) &&
            ownerReferences?.some(({ uid }) => uid === cluster.metadata.uid) === true,
        )
        .map((child) => ({ ...child, apiVersion: informer.type.apiVersion, kind: informer.type.kind })),
    );
  }

  /** Deletes exactly these objects, not ones that took their names. */
  async remove(children: readonly Child[], signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#context;
    for (const child of children) {
      const kind = childKinds.find(({ type }) => kindKey(type) === kindKey(child));
      const { uid, name, namespace } = child.metadata;
      if (kind === undefined || uid === undefined) continue;
      logger.info({ kind: kind.type.kind, namespace, name }, 'deleting a child that is no longer wanted');
      await client.delete(kind.type, child.metadata, { uid, signal });
      this.#forget(childKey(child));
    }
  }

  /** Forgets what is known of a child that is gone. */
  gone(child: KubeObject, type: ResourceType): void {
    this.#forget(`${kindKey(type)} ${keyOf(child)}`);
  }

  async #applyOne({ type }: ChildKind, wanted: WantedObject, signal: AbortSignal): Promise<void> {
    const { client, caches } = this.#context;
    const key = childKey(wanted);
    const hash = hashOf(wanted);
    const cached = caches.children.get(kindKey(type))?.get(keyOf(wanted));
    if (this.#inSync(wanted, cached)) return;
    const object = wanted.whole();
    if (cached !== undefined && isTaken(cached, object)) throw new TakenError(type.kind, object);
    const applied =
      cached === undefined
        ? await this.#make(type, object, signal)
        : await client.apply(metadataOf(type), object, { ...asOurs, signal });
    this.#accepted.set(key, heldFields(applied.metadata));
    if (applied.metadata.resourceVersion !== cached?.metadata.resourceVersion) {
      this.#ahead.set(key, { cached: cached?.metadata.resourceVersion, hash });
    }
  }

  /** What the cache does not show may yet be there without our labels: fields of others are taken only from our own object. */
  async #make(type: ChildKind['type'], object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const { client } = this.#context;
    try {
      return await client.apply(metadataOf(type), object, { ...asOurs, force: false, signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    const { name, namespace } = object.metadata;
    const fieldSelector = `metadata.name=${name}`;
    const { items } = await client.list(metadataOf(type), { namespace, fieldSelector, signal });
    if (items.some((found) => !isOwned(found, object))) throw new TakenError(type.kind, object);
    return client.apply(metadataOf(type), object, { ...asOurs, signal });
  }

  #inSync(wanted: KubeObject, cached: Child | undefined): boolean {
    const [key, hash] = [childKey(wanted), hashOf(wanted)];
    const ahead = this.#ahead.get(key);
    if (ahead !== undefined && ahead.cached === cached?.metadata.resourceVersion) return ahead.hash === hash;
    this.#ahead.delete(key);
    if (cached === undefined) return false;
    // What is being deleted is made again when it is gone, which the cache tells.
    if (cached.metadata.deletionTimestamp !== undefined) return true;
    return cached.metadata.annotations?.[appliedAnnotation] === hash && this.#isHeldAsBefore(wanted, cached);
  }

  #isHeldAsBefore(wanted: KubeObject, cached: Child): boolean {
    const { ours, foreign } = cached.held;
    const accepted = this.#accepted.get(childKey(wanted));
    if (accepted !== undefined) return ours === accepted.ours && foreign === accepted.foreign;
    // After a restart nothing is known: what others hold is taken over once, and a scaled workload is told by its number.
    return foreign === '' && replicasOf(cached) === replicasOf(wanted);
  }

  #forget(key: string): void {
    this.#accepted.delete(key);
    this.#ahead.delete(key);
  }
}

function childKey(object: KubeObject): string {
  return `${kindKey(object)} ${keyOf(object)}`;
}

/** What the object was rendered to, see `child` in render/object.ts. */
function hashOf({ metadata }: KubeObject): string {
  return metadata.annotations?.[appliedAnnotation] ?? '';
}

/** What has no owner is free: whoever deleted its cluster has left it on purpose. */
function isTaken(found: KubeObject, wanted: KubeObject): boolean {
  const owned = found.metadata.ownerReferences?.some(({ controller }) => controller === true) === true;
  return owned && !isOwned(found, wanted);
}

function isOwned({ metadata }: KubeObject, wanted: KubeObject): boolean {
  const owners = wanted.metadata.ownerReferences ?? [];
  return metadata.ownerReferences?.some(({ uid }) => owners.some((owner) => owner.uid === uid)) === true;
}

/** The number of pods; undefined for what has none, or leaves it to an autoscaler. */
function replicasOf(object: KubeObject): number | undefined {
  return (object as Partial<Workload>).spec?.replicas;
}
