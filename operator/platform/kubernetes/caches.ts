import { setTimeout as sleep } from 'node:timers/promises';
import type { MemoryAction } from '../../api/memory-action.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { TuningProfile } from '../../api/tuning-profile.js';
import type { Logger } from '../../../services/common/logger.js';
import {
  byLabel,
  createInformer,
  metadataOf,
  type ApiClient,
  type Informer,
  type KubeObject,
  type ReflectorTiming,
  type ResourceType,
} from '../../runtime/index.js';
import {
  actionType,
  childKinds,
  clusterType,
  kindKey,
  podType,
  profileType,
  type ChildKind,
} from './kinds.js';
import { labels, product } from './render/names.js';
import {
  trimChild,
  trimPod,
  trimWorkload,
  withoutManagedFields,
  type Child,
  type Pod,
  type Workload,
} from './trim.js';

/** How long the kinds of add-ons are waited for. */
const addOnPatienceMs = 10_000;

export type ChildInformer = Informer<Child, 'cluster'>;

/** Copies of everything that a decision needs, as far as it is needed. */
export interface Caches {
  /** Indexed by the key of the profile that they name. */
  readonly clusters: Informer<MemoryCluster, 'profile'>;
  readonly profiles: Informer<TuningProfile>;
  /** Indexed by `namespace/kind/name` of their target. */
  readonly actions: Informer<MemoryAction, 'target'>;
  readonly pods: Informer<Pod, 'cluster'>;
  /** By {@link kindKey}; kinds that this API server does not serve are missing. */
  readonly children: ReadonlyMap<string, ChildInformer>;
}

/** The life of an informer of any kind. */
type Followed = Pick<ChildInformer, 'synced' | 'problem' | 'run' | 'whenSynced'>;

/** What caches are made with. */
export interface CacheOptions {
  readonly client: ApiClient;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly logger: Logger;
  /** How watches keep up, where not as usual. */
  readonly timing?: Partial<ReflectorTiming>;
}

/** The caches, and the life of them. */
export class CacheSet implements Caches {
  readonly clusters: Informer<MemoryCluster, 'profile'>;
  readonly profiles: Informer<TuningProfile>;
  readonly actions: Informer<MemoryAction, 'target'>;
  readonly pods: Informer<Pod, 'cluster'>;
  readonly children = new Map<string, ChildInformer>();
  readonly #options: CacheOptions;
  readonly #optional = new Map<string, AbortController>();
  #onChild: ((informer: ChildInformer) => void) | undefined;

  constructor(options: CacheOptions) {
    this.#options = options;
    this.clusters = createInformer({
      ...this.#common(clusterType),
      transform: withoutManagedFields,
      indexes: { profile: profileOf },
    });
    this.profiles = createInformer({ ...this.#common(profileType), transform: withoutManagedFields });
    this.actions = createInformer({
      ...this.#common(actionType),
      transform: withoutManagedFields,
      indexes: { target: (action: MemoryAction) => [targetKey(action)] },
    });
    this.pods = createInformer({
      ...this.#common(podType),
      labelSelector: labels.cluster,
      transform: trimPod,
      indexes: { cluster: byLabel<Pod>(labels.cluster) },
    });
    for (const kind of childKinds.filter(({ optional }) => !optional)) {
      this.children.set(kindKey(kind.type), this.#informer(kind));
    }
  }

  /** Called with each child cache that there is and that comes later. */
  onChildCache(handler: ((informer: ChildInformer) => void) | undefined): void {
    this.#onChild = handler;
    if (handler !== undefined) for (const informer of this.children.values()) handler(informer);
  }

  /** The caches without which nothing can be decided. */
  get required(): readonly Followed[] {
    const children = [...this.children].filter(([key]) => !this.#optional.has(key));
    return [
      this.clusters,
      this.profiles,
      this.actions,
      this.pods,
      ...children.map(([, informer]) => informer),
    ];
  }

  get synced(): boolean {
    return this.required.every(({ synced }) => synced);
  }

  /** Resolves when everything that is needed to decide is there. */
  async whenSynced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.required.map((informer) => informer.whenSynced(signal)));
  }

  /** Why a cache is to be taken for dead; undefined while all live. */
  problem(): string | undefined {
    return this.required.map((informer) => informer.problem()).find((problem) => problem !== undefined);
  }

  /** Follows until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.required.map((informer) => informer.run(signal)));
  }

  /**
   * Looks which add-ons there are now, and begins or ends to follow their kinds. A kind counts when it was listed. What
   * cannot be listed, for want of a right for example, is tried on and keeps nobody waiting for more than `patienceMs`.
   */
  async discover(signal: AbortSignal, patienceMs = addOnPatienceMs): Promise<void> {
    const { client, logger } = this.#options;
    const arrivals: Promise<void>[] = [];
    for (const kind of childKinds.filter(({ optional }) => optional)) {
      const key = kindKey(kind.type);
      const followed = this.#optional.get(key);
      const served = await client.serves(kind.type, { signal });
      if (served && followed === undefined) {
        logger.info({ kind: kind.type.kind }, 'this API server has an optional kind');
        const ended = new AbortController();
        this.#optional.set(key, ended);
        arrivals.push(this.#follow(kind, AbortSignal.any([signal, ended.signal])));
      } else if (!served && followed !== undefined) {
        followed.abort();
        this.#optional.delete(key);
        this.children.delete(key);
      }
    }
    await Promise.race([Promise.all(arrivals), patience(patienceMs, signal)]);
  }

  /** Resolves when the kind was listed, or is not followed any more. */
  async #follow(kind: ChildKind, signal: AbortSignal): Promise<void> {
    const informer = this.#informer(kind);
    void informer.run(signal);
    await informer.whenSynced(signal).then(
      () => {
        this.children.set(kindKey(kind.type), informer);
        this.#onChild?.(informer);
      },
      () => undefined,
    );
  }

  #informer({ type, workload }: ChildKind): ChildInformer {
    const common = {
      labelSelector: `${labels.managedBy}=${product},${labels.cluster}`,
      indexes: { cluster: byLabel<Child>(labels.cluster) },
    };
    return workload
      ? createInformer({
          ...this.#common(type as ResourceType<Workload>),
          ...common,
          transform: trimWorkload,
        })
      : createInformer({
          ...this.#common(metadataOf(type) as ResourceType<Child>),
          ...common,
          transform: trimChild,
        });
  }

  #common<T extends KubeObject>(type: ResourceType<T>) {
    const { client, namespaces, logger, timing } = this.#options;
    return {
      client,
      type,
      namespaces,
      ...(timing !== undefined && { timing }),
      onFailure: (error: unknown) => logger.warn({ kind: type.kind, err: error }, 'a watch failed'),
      onHandlerError: (error: unknown) => logger.error({ kind: type.kind, err: error }, 'a handler failed'),
    };
  }
}

async function patience(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** Key of the profile that a cluster names. */
export function profileOf({ metadata, spec }: MemoryCluster): readonly string[] {
  const name = spec.tuningProfileRef?.name;
  return name === undefined ? [] : [`${metadata.namespace ?? ''}/${name}`];
}

/** Where an action is found by what it is about. */
export function targetKey({ metadata, spec }: MemoryAction): string {
  return `${metadata.namespace ?? ''}/${spec.target.kind}/${spec.target.name}`;
}
