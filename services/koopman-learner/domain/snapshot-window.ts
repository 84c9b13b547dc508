import { dot } from './dot.js';

/** Inner products of the snapshots of a window, oldest first. */
export interface Gram {
  readonly size: number;
  /** size × size, row-major, symmetric: entry (i, j) is x_iᵀ x_j. */
  readonly entries: Float64Array;
}

/**
 * The newest snapshots of a series and their Gram matrix, kept up to date: a push costs one product with every snapshot
 * in the window (n·m), a slide costs nothing (method of snapshots, Sirovich 1987). Both live in rings.
 */
export class SnapshotWindow {
  readonly dimension: number;
  readonly capacity: number;
  readonly #snapshots: Float64Array;
  readonly #gram: Float64Array;
  #first = 0;
  #size = 0;

  /**
   * @param dimension n, entries of a snapshot
   * @param capacity m, snapshots kept
   */
  constructor(dimension: number, capacity: number) {
    this.dimension = dimension;
    this.capacity = capacity;
    this.#snapshots = new Float64Array(dimension * capacity);
    this.#gram = new Float64Array(capacity * capacity);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Appends a snapshot; the oldest goes when the window is full.
   * @throws RangeError unless it has n finite entries
   */
  push(snapshot: Float64Array): void {
    this.#check(snapshot);
    if (this.#size === this.capacity) this.#first = (this.#first + 1) % this.capacity;
    else this.#size += 1;
    const slot = this.#slot(this.#size - 1);
    this.#snapshots.set(snapshot, slot * this.dimension);
    for (let k = 0; k < this.#size; k++) {
      const other = this.#slot(k);
      const product = dot(this.#at(slot), this.#at(other));
      this.#gram[slot * this.capacity + other] = product;
      this.#gram[other * this.capacity + slot] = product;
    }
  }

  /** Snapshot k, 0 being the oldest; a view that the next push may overwrite. */
  snapshot(k: number): Float64Array {
    return this.#at(this.#slot(k));
  }

  /** A copy of the Gram matrix in order of time. */
  gram(): Gram {
    const size = this.#size;
    const entries = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      const row = this.#slot(i) * this.capacity;
      for (let j = 0; j < size; j++) entries[i * size + j] = this.#gram[row + this.#slot(j)]!;
    }
    return { size, entries };
  }

  #slot(k: number): number {
    return (this.#first + k) % this.capacity;
  }

  #at(slot: number): Float64Array {
    return this.#snapshots.subarray(slot * this.dimension, (slot + 1) * this.dimension);
  }

  #check(snapshot: Float64Array): void {
    if (snapshot.length !== this.dimension) {
      throw new RangeError(`snapshot: ${snapshot.length} entries; expected ${this.dimension}`);
    }
    if (!snapshot.every(Number.isFinite)) throw new RangeError('snapshot: an entry is not a finite number');
  }
}
