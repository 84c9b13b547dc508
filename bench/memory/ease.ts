import type { Incidence, Scorer } from './incidence.js';
import { invertSpd } from './spd-inverse.js';

/** About how many entries of B the pruning threshold is estimated from. */
const sampledEntries = 1_000_000;

/**
 * EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8): B = I − P · diagMat(1 ⊘ diag P) with
 * P = (XᵀX + λI)⁻¹, here for fewer rows m than items n. By Woodbury's identity, with S = Xᵀ (XXᵀ + λI)⁻¹ X,
 * B_ij = S_ij / (1 − S_jj) outside the diagonal: one m × m inverse, and a row of B when it is asked for.
 */
export class Ease {
  readonly #data: Incidence;
  /** Xᵀ (XXᵀ + λI)⁻¹, a row of m entries for each item. */
  readonly #projection: Float32Array;
  /** 1 − S_jj. */
  readonly #remainder: Float64Array;

  /** @param lambda L2 strength, above 0 */
  constructor(data: Incidence, lambda: number, onProgress?: (share: number) => void) {
    const m = data.rows.length;
    const kernel = kernelOf(data, lambda);
    invertSpd(kernel, m, onProgress);
    this.#data = data;
    this.#projection = project(data, kernel);
    this.#remainder = Float64Array.from(data.columns, (column, item) => {
      let diagonal = 0;
      for (const row of column) diagonal += this.#projection[item * m + row]!;
      return 1 - diagonal;
    });
  }

  /** Directed edges: all pairs of different items. */
  get edges(): number {
    const { length } = this.#data.columns;
    return length * (length - 1);
  }

  /** Scores of all items: the sum of the cue's rows of B. */
  readonly score = (cue: Uint32Array): Float64Array => {
    const { rows, columns } = this.#data;
    const m = rows.length;
    const sum = new Float64Array(m);
    for (const item of cue) {
      const offset = item * m;
      for (let row = 0; row < m; row++) sum[row]! += this.#projection[offset + row]!;
    }
    const scores = new Float64Array(columns.length);
    rows.forEach((items, row) => {
      const value = sum[row]!;
      for (const item of items) scores[item]! += value;
    });
    return scores.map((score, item) => score / this.#remainder[item]!);
  };

  /** Row of B: what one item says for every other. The entry of the item itself is 0. */
  row(item: number): Float64Array {
    const row = this.score(Uint32Array.of(item));
    row[item] = 0;
    return row;
  }

  /**
   * Keeps the edges of largest magnitude. The threshold is the quantile of a sample of entries, so that B never exists as
   * a whole; how many edges it keeps is therefore close to, and not exactly, the share.
   * @param share part of the edges to keep, above 0, at most 1
   */
  prune(share: number): { readonly score: Scorer; readonly edges: number } {
    const items = this.#data.columns.length;
    const magnitudes = this.#sampleMagnitudes().sort();
    const threshold = magnitudes[Math.floor((1 - share) * magnitudes.length)]!;
    const kept = Array.from({ length: items }, (_, item) => {
      const row = this.row(item);
      const ids = Uint32Array.from(row.keys()).filter((id) => id !== item && Math.abs(row[id]!) >= threshold);
      return { ids, values: Float32Array.from(ids, (id) => row[id]!) };
    });
    const score = (cue: Uint32Array) => {
      const scores = new Float64Array(items);
      for (const item of cue) kept[item]!.ids.forEach((id, k) => (scores[id]! += kept[item]!.values[k]!));
      return scores;
    };
    return { score, edges: kept.reduce((sum, { ids }) => sum + ids.length, 0) };
  }

  /** Magnitudes of entries outside the diagonal, evenly over B: every row, and in turn every column. */
  #sampleMagnitudes(): Float64Array {
    const items = this.#data.columns.length;
    const stride = Math.max(1, Math.floor(items ** 2 / sampledEntries));
    const magnitudes: number[] = [];
    for (let item = 0; item < items; item++) {
      const row = this.row(item);
      for (let other = item % stride; other < items; other += stride) {
        if (other !== item) magnitudes.push(Math.abs(row[other]!));
      }
    }
    return Float64Array.from(magnitudes);
  }
}

/** XXᵀ + λI, m × m. */
function kernelOf({ rows, columns }: Incidence, lambda: number): Float64Array {
  const m = rows.length;
  const kernel = new Float64Array(m * m);
  rows.forEach((items, row) => {
    const into = kernel.subarray(row * m, (row + 1) * m);
    for (const item of items) for (const other of columns[item]!) into[other]!++;
    into[row]! += lambda;
  });
  return kernel;
}

/** Xᵀ · inverse, n × m. */
function project({ rows, columns }: Incidence, inverse: Float64Array): Float32Array {
  const m = rows.length;
  const projection = new Float32Array(columns.length * m);
  const sum = new Float64Array(m);
  columns.forEach((column, item) => {
    sum.fill(0);
    for (const row of column) for (let k = 0; k < m; k++) sum[k]! += inverse[row * m + k]!;
    projection.set(sum, item * m);
  });
  return projection;
}
