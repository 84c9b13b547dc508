/**
 * Keeps the k greatest of a stream of (key, item) pairs in a binary min-heap: O(n log k) time, O(k) memory. Equal keys
 * prefer the greater item.
 */
export class Top {
  readonly #keys: Float64Array;
  readonly #items: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
    this.#items = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The smallest key that is kept; -Infinity while there is room. */
  get threshold(): number {
    return this.#size < this.#keys.length ? -Infinity : this.#keys[0]!;
  }

  offer(key: number, item: number): void {
    if (this.#size < this.#keys.length) {
      this.#size += 1;
      this.#rise(this.#size - 1, key, item);
    } else if (key > this.#keys[0]! || (key === this.#keys[0] && item > this.#items[0]!)) {
      this.#sink(key, item);
    }
  }

  /** What is kept, greatest first. */
  sorted(): { key: number; item: number }[] {
    return Array.from({ length: this.#size }, (_, k) => ({
      key: this.#keys[k]!,
      item: this.#items[k]!,
    })).sort((a, b) => b.key - a.key || b.item - a.item);
  }

  #less(key: number, item: number, at: number): boolean {
    return key < this.#keys[at]! || (key === this.#keys[at] && item < this.#items[at]!);
  }

  #place(at: number, key: number, item: number): void {
    this.#keys[at] = key;
    this.#items[at] = item;
  }

  #rise(from: number, key: number, item: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(key, item, parent)) break;
      this.#place(at, this.#keys[parent]!, this.#items[parent]!);
      at = parent;
    }
    this.#place(at, key, item);
  }

  /** Puts a pair in place of the root. */
  #sink(key: number, item: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#less(this.#keys[child + 1]!, this.#items[child + 1]!, child))
        child += 1;
      if (this.#less(key, item, child)) break;
      this.#place(at, this.#keys[child]!, this.#items[child]!);
      at = child;
    }
    this.#place(at, key, item);
  }
}
