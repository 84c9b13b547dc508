import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { complexMatrix, type ComplexMatrix } from './complex.js';
import { dot } from './dot.js';
import { hardThresholdRank, numericalRank } from './rank.js';
import type { Gram } from './snapshot-window.js';
import { symmetricEigen, type SymmetricEigen } from './symmetric-eigen.js';

/** A decomposition that the data do not allow; the message says what they lack. */
export class DecompositionError extends Error {
  override readonly name = 'DecompositionError';
}

/** What to decompose besides the snapshots themselves. */
export interface DmdOptions {
  /** Most directions of the data that are used. */
  readonly rank: number;
  /**
   * Indices k of the window for which (x_k, x_{k+1}) is one step of the dynamics, ascending. DMD needs pairs, not one
   * unbroken series (Tu et al. 2014), so that gaps in the record need no invented data.
   */
  readonly steps: readonly number[];
  /**
   * Total least squares: projects both sides of the pairs on their common leading directions first, which removes the
   * bias that noise puts on eigenvalues (Hemati et al. 2015, arXiv 1502.03854). Without noise it changes nothing.
   */
  readonly debias: boolean;
}

/** Eigenvalues of the linear dynamics and, for each, its exact mode as a combination of the snapshots. */
export interface Decomposition {
  /** r complex eigenvalues per time step; those of a conjugate pair stand together, positive imaginary part first. */
  readonly re: Float64Array;
  readonly im: Float64Array;
  /** r × m: mode j = Σ_k coefficients[j, k] x_k, of unit norm. */
  readonly coefficients: ComplexMatrix;
  /**
   * ‖X₂z − λX₁z‖ / ‖X₁z‖ for each eigenpair: how far it is from an eigenpair of the dynamics on these data (residual
   * DMD; Colbrook, Ayton & Szőke 2023).
   */
  readonly residuals: Float64Array;
  /** Directions of the data above rounding. */
  readonly effectiveRank: number;
  /** Directions that stand out of white noise, by the optimal hard threshold; see {@link hardThresholdRank}. */
  readonly recommendedRank: number;
}

/** Eigenvalues below this, or this share of the largest, belong to directions that vanish in one step and have no exact mode. */
const vanishing = 1e-10;

/**
 * Exact dynamic mode decomposition (Tu et al. 2014) by the method of snapshots (Schmid 2010): with C = XᵀX all of it,
 * the singular value decomposition of X₁, the reduced operator and the norms of the modes, follows from sub-matrices of C.
 * Squaring the condition number loses directions below about 1e-7 of the largest singular value; they are dropped.
 * Yields between its stages, of which the m × m eigenproblem is the longest.
 * @throws DecompositionError when there is no pair of snapshots, or nothing but zeros
 */
export function* decompose(gram: Gram, options: DmdOptions): Generator<void, Decomposition> {
  const { steps } = options;
  if (steps.length === 0) throw new DecompositionError('no two consecutive snapshots');
  const before = block(gram, steps, [0, 0]);
  const across = block(gram, steps, [0, 1]);
  const after = block(gram, steps, [1, 1]);
  const directions = leadingDirections(
    options.debias ? sum(before, after) : before,
    steps.length,
    options.rank,
  );
  yield;
  const x1x1 = project(before, directions);
  const x1x2 = project(across, directions);
  const x2x2 = project(after, directions);
  yield;
  const reduced = reduce(x1x1, x1x2, x2x2, directions.largest);
  yield;
  return exactModes(gram.size, steps, directions, reduced);
}

/** C[I + rows, I + columns] for the steps I. */
function block(
  gram: Gram,
  steps: readonly number[],
  [rows, columns]: readonly [number, number],
): Float64Array {
  const count = steps.length;
  const result = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    const row = (steps[i]! + rows) * gram.size + columns;
    for (let j = 0; j < count; j++) result[i * count + j] = gram.entries[row + steps[j]!]!;
  }
  return result;
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, k) => value + b[k]!);
}

interface Directions {
  /** k × count, rows orthonormal. */
  readonly basis: Float64Array;
  /** Largest squared singular value of the data. */
  readonly largest: number;
  readonly effectiveRank: number;
  readonly recommendedRank: number;
}

function leadingDirections(gram: Float64Array, count: number, rank: number): Directions {
  const eigen = symmetricEigen(gram, count, Math.min(rank, count));
  const effectiveRank = numericalRank(eigen.values);
  if (effectiveRank === 0) throw new DecompositionError('every snapshot is zero');
  return {
    basis: eigen.vectors.subarray(0, Math.min(effectiveRank, rank) * count),
    largest: eigen.values[0]!,
    effectiveRank,
    recommendedRank: Math.min(effectiveRank, hardThresholdRank(eigen.values)),
  };
}

/** Q A Qᵀ for a square block A. */
function project(matrix: Float64Array, { basis }: Directions): Matrix {
  const count = Math.sqrt(matrix.length);
  const rank = basis.length / count;
  const half = new Float64Array(rank * count);
  for (let q = 0; q < rank; q++) {
    const target = row(half, q, count);
    for (let i = 0; i < count; i++) addScaled(target, basis[q * count + i]!, row(matrix, i, count));
  }
  const result = Matrix.zeros(rank, rank);
  for (let p = 0; p < rank; p++) {
    for (let q = 0; q < rank; q++) result.set(p, q, dot(row(half, p, count), row(basis, q, count)));
  }
  return result;
}

/** Eigenpairs of the reduced operator; `vectors` in the packed form that EISPACK gives to those of a real matrix. */
interface Reduced {
  readonly re: readonly number[];
  readonly im: readonly number[];
  /** V S⁻¹: turns whitened coordinates into coefficients of the directions. */
  readonly whitener: Matrix;
  /** Column j for a real eigenvalue; columns j and j+1 are the real and imaginary part for a pair at j, j+1. */
  readonly vectors: Matrix;
  /** VᵀS⁻¹(X₂ᵀX₂)S⁻¹V: gives ‖X₂z‖. */
  readonly image: Matrix;
}

/** Ã = S⁻¹Vᵀ(X₁ᵀX₂)VS⁻¹ and its eigenpairs, all within the chosen directions. */
function reduce(before: Matrix, across: Matrix, after: Matrix, largest: number): Reduced {
  const singular = symmetricEigen(Float64Array.from(before.to1DArray()), before.rows);
  const kept = numericalRank(singular.values, largest);
  if (kept === 0) throw new DecompositionError('every snapshot that has a successor is zero');
  const whitener = whiten(singular, kept);
  const eigen = new EigenvalueDecomposition(whitener.transpose().mmul(across).mmul(whitener), {
    assumeSymmetric: false,
  });
  return {
    re: eigen.realEigenvalues,
    im: eigen.imaginaryEigenvalues,
    whitener,
    vectors: eigen.eigenvectorMatrix,
    image: whitener.transpose().mmul(after).mmul(whitener),
  };
}

/** V S⁻¹, with V as columns. */
function whiten({ values, vectors }: SymmetricEigen, kept: number): Matrix {
  const rank = values.length;
  const result = Matrix.zeros(rank, kept);
  for (let k = 0; k < kept; k++) {
    const scale = 1 / Math.sqrt(values[k]!);
    for (let i = 0; i < rank; i++) result.set(i, k, vectors[k * rank + i]! * scale);
  }
  return result;
}

/** Modes X₂z of unit norm as coefficients of the snapshots, eigenvalues and residuals; vanishing directions left out. */
function exactModes(
  size: number,
  steps: readonly number[],
  directions: Directions,
  reduced: Reduced,
): Decomposition {
  const { re, im, vectors } = reduced;
  const combinations = combineSnapshots(directions, reduced, steps.length);
  const images = reduced.image.mmul(vectors);
  const largest = Math.max(1, ...re.map((value, j) => Math.hypot(value, im[j]!)));
  const kept = Array.from(re.keys()).filter((j) => Math.hypot(re[j]!, im[j]!) > vanishing * largest);
  if (kept.length === 0) throw new DecompositionError('nothing lasts from one snapshot to the next');
  const result: Decomposition = {
    re: Float64Array.from(kept, (j) => re[j]!),
    im: Float64Array.from(kept, (j) => im[j]!),
    coefficients: complexMatrix(kept.length, size),
    residuals: new Float64Array(kept.length),
    effectiveRank: directions.effectiveRank,
    recommendedRank: directions.recommendedRank,
  };
  kept.forEach((j, row) => {
    // Real and imaginary part of eigenvector j stand in these columns; that of the conjugate is the negative.
    const real = im[j]! < 0 ? j - 1 : j;
    const parts = im[j] === 0 ? [real] : [real, real + 1];
    const length = Math.sqrt(quadratic(vectors, vectors, parts));
    const modulus = Math.hypot(re[j]!, im[j]!);
    // ‖X₂z‖ is at least |λ|‖X₁z‖; rounding must not take it below.
    const stretch = Math.max(modulus, Math.sqrt(Math.max(0, quadratic(vectors, images, parts))) / length);
    const imageLength = stretch * length;
    result.residuals[row] = Math.sqrt(stretch ** 2 - modulus ** 2);
    steps.forEach((step, k) => {
      const place = row * size + step + 1;
      result.coefficients.re[place] = combinations.get(real, k) / imageLength;
      if (im[j] !== 0) {
        result.coefficients.im[place] = (Math.sign(im[j]!) * combinations.get(real + 1, k)) / imageLength;
      }
    });
  });
  return result;
}

/** One row for each packed column of eigenvectors: the coefficients z of the snapshots that it stands for. */
function combineSnapshots({ basis }: Directions, { whitener, vectors }: Reduced, count: number): Matrix {
  const directions = Matrix.from1DArray(basis.length / count, count, Array.from(basis));
  return whitener.mmul(vectors).transpose().mmul(directions);
}

/** Σ over the given columns of aᵀb. */
function quadratic(a: Matrix, b: Matrix, columns: readonly number[]): number {
  let total = 0;
  for (const column of columns) {
    for (let i = 0; i < a.rows; i++) total += a.get(i, column) * b.get(i, column);
  }
  return total;
}

function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let k = 0; k < target.length; k++) target[k]! += factor * source[k]!;
}

function row(matrix: Float64Array, index: number, columns: number): Float64Array {
  return matrix.subarray(index * columns, (index + 1) * columns);
}
