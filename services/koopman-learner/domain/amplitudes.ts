import { complexMatrix, solveHermitian, wrapAngle, type ComplexMatrix } from './complex.js';
import type { Decomposition } from './dmd.js';
import type { ModeProducts } from './mode-products.js';

/** How strongly each mode takes part in a stretch of the series x_t ≈ Σⱼ φⱼ bⱼ λⱼᵗ, t = 0 … length−1. */
export interface Amplitudes {
  /**
   * r × 1: bⱼ; for a growing mode, |λ| > 1, its value at the last snapshot of the stretch instead of the first, so that
   * no power of λ exceeds 1.
   */
  readonly values: ComplexMatrix;
  /** Root mean square of |bⱼλⱼᵗ| over the stretch. */
  readonly strength: Float64Array;
  /** Phase of bⱼλⱼᵗ at the last snapshot, in (−π, π]. */
  readonly phase: Float64Array;
  /** |bⱼλⱼᵗ| at the last snapshot. */
  readonly magnitude: Float64Array;
}

/** The snapshots that amplitudes are fitted to. */
export interface Stretch {
  /** Index of the first snapshot in the window. */
  readonly first: number;
  /** How many consecutive snapshots, at least 1. */
  readonly length: number;
}

/**
 * Amplitudes by least squares over all times of a stretch (Jovanović, Schmid & Nichols 2014, arXiv 1309.4165, eq. 10).
 * @param sparsity share of the penalty that removes every mode, 0 to 1: above 0 the L1 penalty γ = sparsity·γ_max picks
 *   the modes that stay and least squares then gives their amplitudes (ibid., section II.C). 1 removes all.
 */
export function fitAmplitudes(
  { re, im }: Decomposition,
  products: ModeProducts,
  stretch: Stretch,
  sparsity: number,
): Amplitudes {
  const powers = timeFactors(re, im, stretch.length);
  const p = hadamard(products.onModes, powers);
  const q = correlate(products.onSnapshots, powers, stretch);
  const support = sparsity > 0 ? sparseSupport(p, q, { sparsity, im }) : Array.from(re.keys());
  const values = solveOn(support, p, q);
  return { values, ...describe(values, { re, im }, powers) };
}

/** r × length: λᵗ, or λ^(t−length+1) where |λ| > 1. */
function timeFactors(re: Float64Array, im: Float64Array, length: number): ComplexMatrix {
  const powers = complexMatrix(re.length, length);
  for (let j = 0; j < re.length; j++) {
    const logarithm = Math.log(Math.hypot(re[j]!, im[j]!));
    const angle = Math.atan2(im[j]!, re[j]!);
    const origin = logarithm > 0 ? length - 1 : 0;
    for (let t = 0; t < length; t++) {
      const size = Math.exp(logarithm * (t - origin));
      powers.re[j * length + t] = size * Math.cos(angle * (t - origin));
      powers.im[j * length + t] = size * Math.sin(angle * (t - origin));
    }
  }
  return powers;
}

/** P = (ΦᴴΦ) ∘ conj(V Vᴴ), entry (j, l) = φⱼᴴφₗ Σ_t conj(V_jt) V_lt. */
function hadamard(onModes: ComplexMatrix, powers: ComplexMatrix): ComplexMatrix {
  const rank = onModes.rows;
  const result = complexMatrix(rank, rank);
  for (let j = 0; j < rank; j++) {
    for (let l = 0; l < rank; l++) {
      const place = j * rank + l;
      const time = conjugateProduct(powers, j, powers, { row: l, first: 0 });
      result.re[place] = onModes.re[place]! * time.re - onModes.im[place]! * time.im;
      result.im[place] = onModes.re[place]! * time.im + onModes.im[place]! * time.re;
    }
  }
  return result;
}

/** q, entry j = Σ_t conj(V_jt) φⱼᴴ x_t. */
function correlate(onSnapshots: ComplexMatrix, powers: ComplexMatrix, { first }: Stretch): ComplexMatrix {
  const result = complexMatrix(powers.rows, 1);
  for (let j = 0; j < powers.rows; j++) {
    const product = conjugateProduct(powers, j, onSnapshots, { row: j, first });
    result.re[j] = product.re;
    result.im[j] = product.im;
  }
  return result;
}

/** Σ_t conj(a[j, t]) b[row, first + t]. */
function conjugateProduct(
  a: ComplexMatrix,
  j: number,
  b: ComplexMatrix,
  { row, first }: { row: number; first: number },
): { re: number; im: number } {
  let re = 0;
  let im = 0;
  for (let t = 0; t < a.columns; t++) {
    const p = j * a.columns + t;
    const q = row * b.columns + first + t;
    re += a.re[p]! * b.re[q]! + a.im[p]! * b.im[q]!;
    im += a.re[p]! * b.im[q]! - a.im[p]! * b.re[q]!;
  }
  return { re, im };
}

/** Least squares on the modes of the support; the others are 0. */
function solveOn(support: readonly number[], p: ComplexMatrix, q: ComplexMatrix): ComplexMatrix {
  const count = support.length;
  const left = complexMatrix(count, count);
  const right = complexMatrix(count, 1);
  support.forEach((j, a) => {
    right.re[a] = q.re[j]!;
    right.im[a] = q.im[j]!;
    support.forEach((l, b) => {
      left.re[a * count + b] = p.re[j * p.columns + l]!;
      left.im[a * count + b] = p.im[j * p.columns + l]!;
    });
  });
  const solved = solveHermitian(left, right);
  const values = complexMatrix(q.rows, 1);
  support.forEach((j, a) => {
    values.re[j] = solved.re[a]!;
    values.im[j] = solved.im[a]!;
  });
  return values;
}

/** Modes that the L1 penalty keeps; a conjugate pair stays or goes as one. */
function sparseSupport(
  p: ComplexMatrix,
  q: ComplexMatrix,
  { sparsity, im }: { sparsity: number; im: Float64Array },
): readonly number[] {
  const { re: bRe, im: bIm } = sparseAmplitudes(p, q, sparsity);
  const partner = (j: number) => j + Math.sign(im[j]!);
  const stays = (j: number) => bRe[j] !== 0 || bIm[j] !== 0;
  return Array.from(bRe.keys()).filter((j) => stays(j) || stays(partner(j)));
}

const maxSweeps = 2_000;
const sweepTolerance = 1e-9;

/**
 * Minimises bᴴPb − 2Re(qᴴb) + γ Σ|bⱼ| with γ = sparsity · 2 max|qⱼ|, the least γ for which b = 0 is optimal. Coordinate
 * descent: each complex amplitude has the closed form soft(ρ, γ/2)/Pⱼⱼ, where soft shortens ρ by γ/2 and keeps its phase.
 */
export function sparseAmplitudes(p: ComplexMatrix, q: ComplexMatrix, sparsity: number): ComplexMatrix {
  const rank = q.rows;
  const b = complexMatrix(rank, 1);
  const largest = Math.max(0, ...Array.from(q.re, (re, j) => Math.hypot(re, q.im[j]!)));
  const threshold = sparsity * largest;
  const gradient: ComplexMatrix = { ...q, re: q.re.slice(), im: q.im.slice() };
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let moved = 0;
    for (let j = 0; j < rank; j++) moved = Math.max(moved, descend(j, { p, b, gradient, threshold }));
    if (moved <= sweepTolerance * largest) break;
  }
  return b;
}

interface Descent {
  readonly p: ComplexMatrix;
  readonly b: ComplexMatrix;
  /** q − P b, kept up to date. */
  readonly gradient: ComplexMatrix;
  readonly threshold: number;
}

/** Minimises over amplitude j and returns how far that moved the gradient. */
function descend(j: number, { p, b, gradient, threshold }: Descent): number {
  const rank = b.rows;
  const diagonal = p.re[j * rank + j]!;
  if (diagonal <= 0) return 0;
  const rhoRe = gradient.re[j]! + diagonal * b.re[j]!;
  const rhoIm = gradient.im[j]! + diagonal * b.im[j]!;
  const length = Math.hypot(rhoRe, rhoIm);
  const shrink = length > threshold ? (1 - threshold / length) / diagonal : 0;
  const stepRe = rhoRe * shrink - b.re[j]!;
  const stepIm = rhoIm * shrink - b.im[j]!;
  if (stepRe === 0 && stepIm === 0) return 0;
  b.re[j] = rhoRe * shrink;
  b.im[j] = rhoIm * shrink;
  for (let l = 0; l < rank; l++) {
    const place = l * rank + j;
    gradient.re[l]! -= p.re[place]! * stepRe - p.im[place]! * stepIm;
    gradient.im[l]! -= p.re[place]! * stepIm + p.im[place]! * stepRe;
  }
  return diagonal * Math.hypot(stepRe, stepIm);
}

function describe(
  values: ComplexMatrix,
  { re, im }: Pick<Decomposition, 're' | 'im'>,
  powers: ComplexMatrix,
): Omit<Amplitudes, 'values'> {
  const { columns } = powers;
  const strength = new Float64Array(re.length);
  const phase = new Float64Array(re.length);
  const magnitude = new Float64Array(re.length);
  for (let j = 0; j < re.length; j++) {
    const size = Math.hypot(values.re[j]!, values.im[j]!);
    const start = j * columns;
    let energy = 0;
    for (let t = start; t < start + columns; t++) energy += powers.re[t]! ** 2 + powers.im[t]! ** 2;
    strength[j] = size * Math.sqrt(energy / columns);
    const last = start + columns - 1;
    magnitude[j] = size * Math.hypot(powers.re[last]!, powers.im[last]!);
    // From the angle, not from the power: a mode that has died out still has a phase.
    const turns = Math.hypot(re[j]!, im[j]!) > 1 ? 0 : columns - 1;
    phase[j] = wrapAngle(Math.atan2(values.im[j]!, values.re[j]!) + turns * Math.atan2(im[j]!, re[j]!));
  }
  return { strength, phase, magnitude };
}
