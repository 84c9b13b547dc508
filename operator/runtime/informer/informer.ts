import type { ApiClient } from '../client/api-client.js';
import { keyOf, type KubeObject } from '../client/objects.js';
import type { ResourceType } from '../client/resource-type.js';
import { systemClock, type Clock } from '../clock/clock.js';
import { defaultReflectorTiming, longestSilenceMs, Reflector, type ReflectorTiming } from './reflector.js';
import { Store, type ChangeHandler, type IndexFunction } from './store.js';

/** What to keep a copy of, and how. */
export interface InformerOptions<T extends KubeObject, I extends string = never> {
  readonly client: ApiClient;
  /** With metadataOnly (see `metadataOf`) only metadata is sent and kept. */
  readonly type: ResourceType<T>;
  /** Namespaces to follow; absent or empty: all of them. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * What is kept of an object: drop here what nobody reads. Name, namespace, uid and resourceVersion must stay.
   */
  readonly transform?: (object: T) => T;
  /** Ways to find objects, by name; see `byOwner` and `byLabel`. */
  readonly indexes?: Readonly<Record<I, IndexFunction<T>>>;
  /** Told of failures of list and watch; the informer goes on by itself. */
  readonly onFailure?: (error: unknown) => void;
  /** Told of what handlers and the transform throw; they are told of the next change all the same. */
  readonly onHandlerError?: (error: unknown) => void;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly timing?: Partial<ReflectorTiming>;
}

/** A copy, kept up to date, of a part of what the API server stores. Objects in it are shared: never change one. */
export interface Informer<T extends KubeObject, I extends string = never> {
  readonly type: ResourceType<T>;
  /** The first list has been taken in. */
  readonly synced: boolean;
  readonly size: number;
  /** Resolves when synced; rejects with the signal's reason. */
  whenSynced(signal?: AbortSignal): Promise<void>;
  /** @param key `namespace/name`, or the name of a cluster-wide object */
  get(key: string): T | undefined;
  list(): readonly T[];
  by(index: I, value: string): readonly T[];
  /** Calls back for every object there is, and for every change from now on. Returns how to stop it. */
  onChange(handler: ChangeHandler<T>): () => void;
  /** Why the informer is to be taken for dead; undefined while it lives. For liveness probes. */
  problem(): string | undefined;
  /** Follows until the signal aborts. Once. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** An informer that does nothing until it is run. */
export function createInformer<T extends KubeObject, I extends string = never>(
  options: InformerOptions<T, I>,
): Informer<T, I> {
  return new CachingInformer(options);
}

class CachingInformer<T extends KubeObject, I extends string> implements Informer<T, I> {
  readonly type: ResourceType<T>;
  readonly #options: InformerOptions<T, I>;
  readonly #timing: ReflectorTiming;
  readonly #clock: Clock;
  readonly #store: Store<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #reflectors: readonly Reflector<T>[];
  readonly #unsynced: Set<string>;
  readonly #waiting = new Set<() => void>();
  #running = false;

  constructor(options: InformerOptions<T, I>) {
    this.type = options.type;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timing = { ...defaultReflectorTiming, ...options.timing };
    this.#store = new Store<T>(options.indexes ?? {});
    const namespaces = options.namespaces?.length ? options.namespaces : [undefined];
    this.#unsynced = new Set(namespaces.map((namespace) => namespace ?? ''));
    this.#reflectors = namespaces.map((namespace) => this.#reflector(namespace));
  }

  get synced(): boolean {
    return this.#unsynced.size === 0;
  }

  get size(): number {
    return this.#store.size;
  }

  whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.synced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(end);
        signal?.removeEventListener('abort', end);
        if (signal?.aborted === true) reject(signal.reason as Error);
        else resolve();
      };
      this.#waiting.add(end);
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) end();
    });
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): readonly T[] {
    return [...this.#store.values()];
  }

  by(index: I, value: string): readonly T[] {
    return this.#store.by(index, value);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.values()) this.#tell(handler, undefined, object);
    return () => void this.#handlers.delete(handler);
  }

  problem(): string | undefined {
    if (!this.#running) return undefined;
    const oldest = Math.min(...this.#reflectors.map(({ lastSign }) => lastSign));
    const silentMs = this.#clock.monotonic() - oldest;
    return silentMs <= longestSilenceMs(this.#timing)
      ? undefined
      : `informer of ${this.type.kind}: no sign for ${Math.round(silentMs / 1_000)} s`;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#running = true;
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
    this.#running = false;
  }

  #reflector(namespace: string | undefined): Reflector<T> {
    const { client, type, labelSelector, fieldSelector, random, onFailure } = this.#options;
    const store = this.#store;
    return new Reflector<T>(
      {
        client,
        type,
        namespace,
        labelSelector,
        fieldSelector,
        clock: this.#clock,
        random: random ?? Math.random,
        timing: this.#timing,
        onFailure: (error) => onFailure?.(error),
      },
      {
        set: (object) => this.#set(object),
        delete: (key) => this.#delete(key),
        *keys() {
          const prefix = namespace === undefined ? '' : `${namespace}/`;
          for (const key of store.keys()) if (key.startsWith(prefix)) yield key;
        },
        synced: () => this.#markSynced(namespace ?? ''),
      },
    );
  }

  /** After a gap a list shows again what is known; only another version is a change. */
  #set(object: T): void {
    const before = this.#store.get(keyOf(object));
    if (before !== undefined && sameVersion(before, object)) return;
    const kept = this.#transformed(object);
    this.#store.set(kept);
    for (const handler of this.#handlers) this.#tell(handler, before, kept);
  }

  #delete(key: string): void {
    const before = this.#store.delete(key);
    if (before === undefined) return;
    for (const handler of this.#handlers) this.#tell(handler, before, undefined);
  }

  #transformed(object: T): T {
    try {
      return this.#options.transform?.(object) ?? object;
    } catch (error) {
      this.#options.onHandlerError?.(error);
      return object;
    }
  }

  #tell(handler: ChangeHandler<T>, before: T | undefined, after: T | undefined): void {
    try {
      handler(before, after);
    } catch (error) {
      this.#options.onHandlerError?.(error);
    }
  }

  #markSynced(part: string): void {
    this.#unsynced.delete(part);
    if (this.synced) for (const end of [...this.#waiting]) end();
  }
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}
