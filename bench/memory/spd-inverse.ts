/** Rows and columns eliminated at once: two panels of a tile then stay in the cache. */
const blockSize = 48;

/**
 * Inverts a symmetric positive definite matrix in place by the block sweep operator (Goodnight 1979, "A tutorial on the
 * SWEEP operator"): with D the inverse of the pivot block, A_ij −= A_ik D A_kj, A_ik = A_ik D, A_kk = −D; after all blocks
 * the matrix is −A⁻¹. n³/2 multiply-adds, nearly all of them in one rank-`blockSize` update of cached panels.
 * @param a n × n, row-major; the lower triangle is read, all of it is written
 * @throws RangeError when a pivot is not positive
 */
export function invertSpd(
  a: Float64Array,
  n: number,
  onProgress: (share: number) => void = () => undefined,
): void {
  for (let start = 0; start < n; start += blockSize) {
    sweep(a, n, start, Math.min(blockSize, n - start));
    onProgress(Math.min(1, (start + blockSize) / n));
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = -a[i * n + j]!;
  }
}

/** Panels of one block: row i of `left` is A_ik, of `right` A_ik D, with `size` entries each; rows of the pivot are 0. */
interface Panels {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly size: number;
}

function sweep(a: Float64Array, n: number, start: number, size: number): void {
  const inverse = pivotInverse(a, n, start, size);
  const left = columnPanel(a, n, start, size);
  const right = multiply(left, inverse, size);
  subtractProduct(a, n, { left, right, size });
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < size; p++) {
      if (i < start) a[(start + p) * n + i] = right[i * size + p]!;
      else if (i >= start + size) a[i * n + start + p] = right[i * size + p]!;
      else a[i * n + start + p] = -inverse[(i - start) * size + p]!;
    }
  }
}

/** The pivot's columns, read from the lower triangle. */
function columnPanel(a: Float64Array, n: number, start: number, size: number): Float64Array {
  const panel = new Float64Array(n * size);
  for (let p = 0; p < size; p++) {
    for (let i = 0; i < start; i++) panel[i * size + p] = a[(start + p) * n + i]!;
    for (let i = start + size; i < n; i++) panel[i * size + p] = a[i * n + start + p]!;
  }
  return panel;
}

/** Rows of `size` entries times a symmetric size × size matrix. */
function multiply(rows: Float64Array, square: Float64Array, size: number): Float64Array {
  return rows.map((_, at) => {
    const column = at % size;
    const offset = at - column;
    let sum = 0;
    for (let q = 0; q < size; q++) sum += rows[offset + q]! * square[column * size + q]!;
    return sum;
  });
}

/** Lower triangle of A −= right · leftᵀ, in tiles of 4 × 2 whose sums stay in registers. */
function subtractProduct(a: Float64Array, n: number, { left, right, size }: Panels): void {
  for (let i = 0; i < n; i += 4) {
    const rows = Math.min(4, n - i);
    for (let j = 0; j < i + rows; j += 2) {
      if (rows === 4 && j + 1 < n) tile(a, { n, i, j }, left, right.subarray(i * size, (i + 4) * size));
      else edge(a, { n, i, j }, left, right);
    }
  }
}

interface TilePlace {
  readonly n: number;
  readonly i: number;
  readonly j: number;
}

function tile(a: Float64Array, { n, i, j }: TilePlace, left: Float64Array, right: Float64Array): void {
  const size = right.length >> 2;
  const [j0, j1] = [j * size, (j + 1) * size];
  const [r1, r2, r3] = [size, 2 * size, 3 * size];
  let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let p = 0; p < size; p++) {
    const y0 = left[j0 + p]!;
    const y1 = left[j1 + p]!;
    const x0 = right[p]!;
    const x1 = right[r1 + p]!;
    const x2 = right[r2 + p]!;
    const x3 = right[r3 + p]!;
    s00 += x0 * y0;
    s01 += x0 * y1;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s30 += x3 * y0;
    s31 += x3 * y1;
  }
  const at = i * n + j;
  a[at]! -= s00;
  a[at + 1]! -= s01;
  a[at + n]! -= s10;
  a[at + n + 1]! -= s11;
  a[at + 2 * n]! -= s20;
  a[at + 2 * n + 1]! -= s21;
  a[at + 3 * n]! -= s30;
  a[at + 3 * n + 1]! -= s31;
}

/** What does not fill a tile, at the lower and right border. */
function edge(a: Float64Array, { n, i, j }: TilePlace, left: Float64Array, right: Float64Array): void {
  const size = left.length / n;
  for (let row = i; row < Math.min(i + 4, n); row++) {
    for (let column = j; column < Math.min(j + 2, n); column++) {
      let sum = 0;
      for (let p = 0; p < size; p++) sum += right[row * size + p]! * left[column * size + p]!;
      a[row * n + column]! -= sum;
    }
  }
}

/** Inverse of the pivot block, by the same operator one row at a time. */
function pivotInverse(a: Float64Array, n: number, start: number, size: number): Float64Array {
  const block = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      block[i * size + j] = block[j * size + i] = a[(start + i) * n + start + j]!;
    }
  }
  for (let k = 0; k < size; k++) sweepRow(block, size, k, start);
  return block.map((value) => -value);
}

function sweepRow(block: Float64Array, size: number, k: number, start: number): void {
  const pivot = block[k * size + k]!;
  if (!(pivot > 0))
    throw new RangeError(`the matrix is not positive definite (pivot ${start + k} is ${pivot})`);
  const row = block.slice(k * size, (k + 1) * size);
  for (let i = 0; i < size; i++) {
    const scaled = row[i]! / pivot;
    for (let j = 0; j < size; j++) if (i !== k && j !== k) block[i * size + j]! -= scaled * row[j]!;
  }
  for (let i = 0; i < size; i++) block[i * size + k] = block[k * size + i] = row[i]! / pivot;
  block[k * size + k] = -1 / pivot;
}
