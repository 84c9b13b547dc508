/** Eigenvalues in descending order and, as rows of a flat matrix, orthonormal eigenvectors of the first of them. */
export interface SymmetricEigen {
  /** All n values. */
  readonly values: Float64Array;
  /** count × n, row-major: row k belongs to `values[k]`. */
  readonly vectors: Float64Array;
}

/** More sweeps of the QL iteration than any symmetric matrix needs; about two is usual. */
const maxIterations = 60;

/**
 * Eigenvalues and leading eigenvectors of a real symmetric matrix: Householder tridiagonalisation, then implicit QL with
 * Wilkinson's shift (Golub & Van Loan, Matrix Computations, 8.3). The rotations of QL are recorded and run backwards
 * over the wanted vectors only: orthogonal to machine precision, also inside clusters, for count/n of the work.
 * @param matrix n × n, row-major; only the lower triangle is read
 * @param count how many eigenvectors are wanted
 * @throws RangeError when an entry is not finite
 */
export function symmetricEigen(matrix: Float64Array, n: number, count = n): SymmetricEigen {
  const scale = largest(matrix);
  const { diagonal, offDiagonal, reflections } = tridiagonalise(scaledSymmetricCopy(matrix, n, scale), n);
  const rotations = implicitQl(diagonal, offDiagonal);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]!);
  const vectors = undoRotations(rotations, order.slice(0, count), n);
  undoReflections(reflections, vectors, n);
  return { values: Float64Array.from(order, (index) => diagonal[index]! * scale), vectors };
}

/** Largest magnitude, 1 for a zero matrix: dividing by it keeps squares of entries from over- and underflowing. */
function largest(matrix: Float64Array): number {
  let scale = 0;
  for (const entry of matrix) {
    if (!Number.isFinite(entry)) throw new RangeError('symmetricEigen: an entry is not a finite number');
    scale = Math.max(scale, Math.abs(entry));
  }
  return scale === 0 ? 1 : scale;
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** `offDiagonal[k]` stands between rows k and k+1; the last entry is 0. */
  readonly offDiagonal: Float64Array;
  readonly reflections: Reflections;
}

/** H_k = I − β_k v_k v_kᵀ for k = 0 … n−2; A = Q T Qᵀ with Q = H_0 H_1 … H_{n−2}. */
interface Reflections {
  /** n × n: row k holds v_k right of the diagonal. */
  readonly rows: Float64Array;
  readonly betas: Float64Array;
}

/** Plane rotations in the order in which they were applied; each mixes rows `row` and `row`+1. */
interface Rotations {
  readonly row: number[];
  readonly sine: number[];
  readonly cosine: number[];
}

/** Reduces `a` to tridiagonal form by reflections, which stay in it where the eliminated entries were. */
function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    // Row k right of the diagonal becomes the reflection's vector, stored in place.
    const v = a.subarray(k * n + k + 1, (k + 1) * n);
    diagonal[k] = a[k * n + k]!;
    const { beta, norm } = householder(v);
    offDiagonal[k] = norm;
    betas[k] = beta;
    if (beta !== 0) reflectBothSides(a, n, { from: k + 1, v, beta });
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1]!;
  return { diagonal, offDiagonal, reflections: { rows: a, betas } };
}

function scaledSymmetricCopy(matrix: Float64Array, n: number, scale: number): Float64Array {
  const copy = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) copy[i * n + j] = copy[j * n + i] = matrix[i * n + j]! / scale;
  }
  return copy;
}

/**
 * Turns x into v with (I − β v vᵀ) x = norm·e₁, v₁ = 1 (Golub & Van Loan, algorithm 5.1.1, with LAPACK's choice of the
 * norm's sign, opposite to x₁: nothing is subtracted, so β is never the quotient of two underflowed squares). v and β do
 * not depend on the size of x, so x is first divided by its largest entry: squares of small entries would underflow.
 */
function householder(x: Float64Array): { beta: number; norm: number } {
  const size = x.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
  let tail = 0;
  for (let i = 1; i < x.length; i++) tail += size === 0 ? 0 : (x[i]! / size) ** 2;
  if (tail === 0) return { beta: 0, norm: x[0]! };
  const head = x[0]! / size;
  const norm = head > 0 ? -Math.sqrt(head * head + tail) : Math.sqrt(head * head + tail);
  for (let i = 1; i < x.length; i++) x[i] = x[i]! / size / (head - norm);
  x[0] = 1;
  return { beta: (norm - head) / norm, norm: norm * size };
}

/** A ← H A H on the trailing block, as the symmetric rank-2 update A − v wᵀ − w vᵀ. */
function reflectBothSides(
  a: Float64Array,
  n: number,
  reflection: { from: number; v: Float64Array; beta: number },
): void {
  const { from, v, beta } = reflection;
  const size = v.length;
  const w = new Float64Array(size);
  for (let i = 0; i < size; i++) w[i] = beta * dotRow(a, (from + i) * n + from, v);
  let along = 0;
  for (let i = 0; i < size; i++) along += v[i]! * w[i]!;
  const half = (beta * along) / 2;
  for (let i = 0; i < size; i++) w[i]! -= half * v[i]!;
  for (let i = 0; i < size; i++) {
    const row = (from + i) * n + from;
    const vi = v[i]!;
    const wi = w[i]!;
    for (let j = 0; j < size; j++) a[row + j]! -= vi * w[j]! + wi * v[j]!;
  }
}

function dotRow(a: Float64Array, start: number, v: Float64Array): number {
  let even = 0;
  let odd = 0;
  const size = v.length;
  const paired = size - (size % 2);
  for (let j = 0; j < paired; j += 2) {
    even += a[start + j]! * v[j]!;
    odd += a[start + j + 1]! * v[j + 1]!;
  }
  return paired < size ? even + odd + a[start + paired]! * v[paired]! : even + odd;
}

/** Diagonalises T in place and returns the rotations that did it. */
function implicitQl(d: Float64Array, e: Float64Array): Rotations {
  const n = d.length;
  const rotations: Rotations = { row: [], sine: [], cosine: [] };
  // Relative to the whole matrix: eigenvalues are wanted to ε‖A‖, and small blocks would never agree on their own scale.
  const tolerance =
    Number.EPSILON * d.reduce((most, entry, k) => Math.max(most, Math.abs(entry) + Math.abs(e[k]!)), 0);
  for (let low = 0; low < n; low++) {
    for (let iteration = 0; ; iteration++) {
      const high = endOfBlock(e, low, tolerance);
      if (high === low) break;
      if (iteration === maxIterations) throw new RangeError('symmetricEigen: no convergence');
      qlStep(d, e, { low, high }, rotations);
    }
  }
  return rotations;
}

/** First index from `low` on whose off-diagonal entry is within the tolerance. */
function endOfBlock(e: Float64Array, low: number, tolerance: number): number {
  let k = low;
  while (k < e.length - 1 && Math.abs(e[k]!) > tolerance) k += 1;
  return k;
}

/** One implicit QL step on the unreduced block low..high. */
function qlStep(
  d: Float64Array,
  e: Float64Array,
  { low, high }: { low: number; high: number },
  rotations: Rotations,
): void {
  const ratio = (d[low + 1]! - d[low]!) / (2 * e[low]!);
  const root = Math.hypot(ratio, 1);
  let g = d[high]! - d[low]! + e[low]! / (ratio + (ratio >= 0 ? root : -root));
  let sine = 1;
  let cosine = 1;
  let shift = 0;
  for (let i = high - 1; i >= low; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const length = Math.sqrt(f * f + g * g);
    e[i + 1] = length;
    if (length === 0) {
      d[i + 1]! -= shift;
      e[high] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    const trailing = d[i + 1]! - shift;
    const mixed = (d[i]! - trailing) * sine + 2 * cosine * b;
    shift = sine * mixed;
    d[i + 1] = trailing + shift;
    g = cosine * mixed - b;
    rotations.row.push(i);
    rotations.sine.push(sine);
    rotations.cosine.push(cosine);
  }
  d[low]! -= shift;
  e[low] = g;
  e[high] = 0;
}

/** Eigenvectors of T for the chosen diagonal places, as rows: the rotations' transposes in reverse order. */
function undoRotations({ row, sine, cosine }: Rotations, places: readonly number[], n: number): Float64Array {
  const count = places.length;
  // Column k is vector k, so that a rotation runs over two contiguous rows.
  const columns = new Float64Array(n * count);
  places.forEach((place, k) => (columns[place * count + k] = 1));
  for (let step = row.length - 1; step >= 0; step--) {
    rotateBack(columns, row[step]! * count, count, { s: sine[step]!, c: cosine[step]! });
  }
  const rows = new Float64Array(count * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < count; k++) rows[k * n + i] = columns[i * count + k]!;
  }
  return rows;
}

function rotateBack(
  columns: Float64Array,
  upper: number,
  count: number,
  { s, c }: { s: number; c: number },
): void {
  const lower = upper + count;
  for (let k = 0; k < count; k++) {
    const above = columns[upper + k]!;
    const below = columns[lower + k]!;
    columns[upper + k] = c * above + s * below;
    columns[lower + k] = c * below - s * above;
  }
}

/** Turns eigenvectors of T into those of A, in place. */
function undoReflections({ rows, betas }: Reflections, vectors: Float64Array, n: number): void {
  for (let k = n - 2; k >= 0; k--) {
    const beta = betas[k]!;
    if (beta === 0) continue;
    const v = rows.subarray(k * n + k + 1, (k + 1) * n);
    for (let start = k + 1; start < vectors.length; start += n) {
      const scale = beta * dotRow(vectors, start, v);
      for (let j = 0; j < v.length; j++) vectors[start + j]! -= scale * v[j]!;
    }
  }
}
