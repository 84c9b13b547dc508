import { keyOf, type KubeObject } from '../client/objects.js';

/** Values under which an object is found; none when it is not meant. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** Told of every change: `before` is absent for a new object, `after` for one that is gone. */
export type ChangeHandler<T extends KubeObject> = (before: T | undefined, after: T | undefined) => void;

/** Objects by key, and by what the indexes make of them. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<
    string,
    { readonly of: IndexFunction<T>; readonly keys: Map<string, Set<string>> }
  >;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { of, keys: new Map() }]));
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
    return [...(found.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Puts an object in the place of the one with its key, which is returned. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#unindex(key, before);
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const under = keys.get(value);
        if (under === undefined) keys.set(value, new Set([key]));
        else under.add(key);
      }
    }
    return before;
  }

  /** Removes an object and returns it. */
  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    this.#objects.delete(key);
    this.#unindex(key, before);
    return before;
  }

  #unindex(key: string, object: T | undefined): void {
    if (object === undefined) return;
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const under = keys.get(value);
        under?.delete(key);
        if (under?.size === 0) keys.delete(value);
      }
    }
  }
}
