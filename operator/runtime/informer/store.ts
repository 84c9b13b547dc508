import { keyOf, type KubeObject } from '../client/objects.js';

/** Values under which an object is found; none when it is not meant. It must not throw. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** Told of every change: `before` is absent for a new object, `after` for one that is gone. */
export type ChangeHandler<T extends KubeObject> = (before: T | undefined, after: T | undefined) => void;

interface Index<T extends KubeObject> {
  readonly of: IndexFunction<T>;
  readonly objects: Map<string, Set<T>>;
}

/** Objects by key, and by what the indexes make of them. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, Index<T>>;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { of, objects: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** @throws Error when there is no such index */
  by(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`there is no index "${index}"`);
    return [...(found.objects.get(value) ?? [])];
  }

  /** Puts an object in the place of the one with its key, which is returned. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#unindex(before);
    for (const { of, objects } of this.#indexes.values()) {
      for (const value of of(object)) {
        const under = objects.get(value);
        if (under === undefined) objects.set(value, new Set([object]));
        else under.add(object);
      }
    }
    return before;
  }

  /** Removes an object and returns it. */
  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    this.#objects.delete(key);
    this.#unindex(before);
    return before;
  }

  #unindex(object: T | undefined): void {
    if (object === undefined) return;
    for (const { of, objects } of this.#indexes.values()) {
      for (const value of of(object)) {
        const under = objects.get(value);
        under?.delete(object);
        if (under?.size === 0) objects.delete(value);
      }
    }
  }
}
