/**
 * Inverts a symmetric positive definite matrix in place, by Cholesky: A = LLᵀ, T = L⁻ᵀ, A⁻¹ = TTᵀ. n³/2 multiply-adds, all
 * of them in dot products of contiguous rows.
 * @param a n × n, row-major; only the lower triangle is read, all of it is written
 * @throws RangeError when the matrix is not positive definite
 */
export function invertSpd(a: Float64Array, n: number): void {
  const rows = Array.from({ length: n }, (_, i) => a.subarray(i * n, (i + 1) * n));
  factor(rows);
  const columns = invertFactor(rows);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) rows[i]![j] = dot(columns[i]!, columns[j]!, i, n);
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) rows[j]![i] = rows[i]![j]!;
}

/** Replaces the lower triangle by the Cholesky factor L. */
function factor(rows: readonly Float64Array[]): void {
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j < i; j++) {
      const above = rows[j]!;
      row[j] = (row[j]! - dot(row, above, 0, j)) / above[j]!;
    }
    const pivot = row[i]! - dot(row, row, 0, i);
    if (!(pivot > 0)) throw new RangeError(`the matrix is not positive definite (pivot ${i} is ${pivot})`);
    row[i] = Math.sqrt(pivot);
  }
}

/** The columns of L⁻¹; column j is 0 above its entry j. */
function invertFactor(l: readonly Float64Array[]): Float64Array[] {
  const n = l.length;
  return l.map((row, j) => {
    const column = new Float64Array(n);
    column[j] = 1 / row[j]!;
    for (let i = j + 1; i < n; i++) column[i] = -dot(l[i]!, column, j, i) / l[i]![i]!;
    return column;
  });
}

/** Dot product of entries `from` to `to`, in four sums that do not wait for each other. */
function dot(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let k = from;
  for (; k + 3 < to; k += 4) {
    sum0 += a[k]! * b[k]!;
    sum1 += a[k + 1]! * b[k + 1]!;
    sum2 += a[k + 2]! * b[k + 2]!;
    sum3 += a[k + 3]! * b[k + 3]!;
  }
  for (; k < to; k++) sum0 += a[k]! * b[k]!;
  return sum0 + sum1 + sum2 + sum3;
}
