import { complexMatrix, type ComplexMatrix } from './complex.js';
import type { Decomposition } from './dmd.js';
import type { Gram } from './snapshot-window.js';

/** Inner products of modes φ of unit norm, from the Gram matrix of the snapshots alone. */
export interface ModeProducts {
  /** r × m: φⱼᴴ x_k. */
  readonly onSnapshots: ComplexMatrix;
  /** r × r: φⱼᴴ φₗ. */
  readonly onModes: ComplexMatrix;
}

/** ΦᴴX and ΦᴴΦ of a decomposition's modes. */
export function modeProducts(gram: Gram, { im, coefficients }: Decomposition): ModeProducts {
  const rank = im.length;
  const onSnapshots = complexMatrix(rank, gram.size);
  const onModes = complexMatrix(rank, rank);
  for (let j = 0; j < rank; j++) {
    if (im[j]! < 0) conjugateRow(onSnapshots, j);
    else projectRow(onSnapshots, j, coefficients, gram);
  }
  for (let j = 0; j < rank; j++) {
    for (let l = 0; l < rank; l++) {
      const product = rowProduct(onSnapshots, j, coefficients, l);
      onModes.re[j * rank + l] = product.re;
      onModes.im[j * rank + l] = product.im;
    }
  }
  return { onSnapshots, onModes };
}

/** A mode with negative imaginary eigenvalue follows its conjugate. */
function conjugateRow({ columns, re, im }: ComplexMatrix, row: number): void {
  re.copyWithin(row * columns, (row - 1) * columns, row * columns);
  for (let k = 0; k < columns; k++) im[row * columns + k] = -im[(row - 1) * columns + k]!;
}

function projectRow(
  target: ComplexMatrix,
  j: number,
  coefficients: ComplexMatrix,
  { size, entries }: Gram,
): void {
  const start = j * size;
  for (let p = 0; p < size; p++) {
    const re = coefficients.re[start + p]!;
    const im = coefficients.im[start + p]!;
    if (re === 0 && im === 0) continue;
    for (let k = 0; k < size; k++) {
      const entry = entries[p * size + k]!;
      target.re[start + k]! += re * entry;
      target.im[start + k]! -= im * entry;
    }
  }
}

/** Σ_k a[j, k] b[l, k]. */
function rowProduct(a: ComplexMatrix, j: number, b: ComplexMatrix, l: number): { re: number; im: number } {
  let re = 0;
  let im = 0;
  for (let k = 0; k < a.columns; k++) {
    const p = j * a.columns + k;
    const q = l * b.columns + k;
    re += a.re[p]! * b.re[q]! - a.im[p]! * b.im[q]!;
    im += a.re[p]! * b.im[q]! + a.im[p]! * b.re[q]!;
  }
  return { re, im };
}
