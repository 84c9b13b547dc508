import { wrapAngle } from './complex.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** Phases of N oscillators along a series. */
export interface PhaseSeries {
  /** N arrays of m phases in radians; NaN where an oscillator is at rest and has none. */
  readonly phases: readonly Float64Array[];
  /** Mean turn of each oscillator per step, in radians; tells how often a phase went round between two snapshots. */
  readonly frequencies: readonly number[];
  /** Indices k for which k+1 is the next step. */
  readonly steps: readonly number[];
}

/** Influence of oscillator `from` on the velocity of oscillator `to`, in radians per step. */
export interface OscillatorCoupling {
  readonly to: number;
  readonly from: number;
  readonly strength: number;
}

/** Directions of the regressors below this share of the strongest are not determined by the data (synchronised phases). */
const undetermined = 1e-10;
/** Couplings within this many standard errors of 0 are taken as 0. */
const significance = 2;
/** Couplings below this, in radians per step, are rounding. */
const roundingFloor = 1e-9;

/**
 * Couplings K of Kuramoto's model dθᵢ/dt = ωᵢ + Σⱼ Kᵢⱼ sin(θⱼ − θᵢ), by linear least squares for each i (Shandilya & Timme
 * 2011), in integrated form: over two steps the phase gains the integral of the right-hand side, taken by Simpson's rule,
 * so that no derivative of noisy phases is needed. Only couplings that stand out of their standard error are returned.
 */
export function regressCouplings(series: PhaseSeries): OscillatorCoupling[] {
  const starts = doubleSteps(series.steps);
  return series.phases.flatMap((_, to) => driversOf(series, starts, to));
}

/** Kuramoto's order parameter |mean exp(iθ)|, 0 to 1; phases that are NaN are left out, and without any it is 0. */
export function orderParameter(phases: readonly number[]): number {
  const defined = phases.filter((phase) => !Number.isNaN(phase));
  if (defined.length === 0) return 0;
  const re = defined.reduce((sum, phase) => sum + Math.cos(phase), 0);
  const im = defined.reduce((sum, phase) => sum + Math.sin(phase), 0);
  return Math.min(1, Math.hypot(re, im) / defined.length);
}

/** Indices k with both k → k+1 and k+1 → k+2 in the series. */
function doubleSteps(steps: readonly number[]): number[] {
  return steps.filter((step, k) => steps[k + 1] === step + 1);
}

function driversOf(series: PhaseSeries, starts: readonly number[], to: number): OscillatorCoupling[] {
  const rows = starts.map((k) => regressionRow(series, k, to)).filter((row) => row.every(Number.isFinite));
  const unknowns = series.phases.length;
  if (rows.length < 3 * unknowns) return [];
  const { solution, errors } = leastSquares(rows, unknowns);
  return Array.from(series.phases.keys())
    .filter((from) => from !== to)
    .map((from) => ({ to, from, strength: solution[from]!, error: errors[from]! }))
    .filter(({ strength, error }) => Math.abs(strength) > Math.max(roundingFloor, significance * error))
    .map(({ strength, from }) => ({ to, from, strength }));
}

/** Regressors (place `to` holds that of ωᵢ) and, last, the phase gained over two steps. */
function regressionRow({ phases, frequencies }: PhaseSeries, k: number, to: number): Float64Array {
  const own = phases[to]!;
  const row = new Float64Array(phases.length + 1);
  phases.forEach((other, from) => {
    const sine = (place: number) => Math.sin(other[place]! - own[place]!);
    row[from] = from === to ? 2 : (sine(k) + 4 * sine(k + 1) + sine(k + 2)) / 3;
  });
  const expected = frequencies[to]!;
  const gain = (place: number) => expected + wrapAngle(own[place + 1]! - own[place]! - expected);
  row[phases.length] = gain(k) + gain(k + 1);
  return row;
}

/** Minimum-norm least squares through the eigenvalues of the normal matrix, with the standard error of each unknown. */
function leastSquares(
  rows: readonly Float64Array[],
  unknowns: number,
): { solution: Float64Array; errors: Float64Array } {
  const { normal, right } = normalEquations(rows, unknowns);
  const { values, vectors } = symmetricEigen(normal, unknowns);
  const solution = new Float64Array(unknowns);
  const variances = new Float64Array(unknowns);
  values.forEach((value, k) => {
    if (value <= undetermined * values[0]!) return;
    const vector = vectors.subarray(k * unknowns, (k + 1) * unknowns);
    const weight = vector.reduce((sum, entry, i) => sum + entry * right[i]!, 0) / value;
    for (let i = 0; i < unknowns; i++) {
      solution[i]! += weight * vector[i]!;
      variances[i]! += vector[i]! ** 2 / value;
    }
  });
  const variance = residualVariance(rows, solution);
  return { solution, errors: variances.map((factor) => Math.sqrt(variance * factor)) };
}

function normalEquations(
  rows: readonly Float64Array[],
  unknowns: number,
): { normal: Float64Array; right: Float64Array } {
  const normal = new Float64Array(unknowns * unknowns);
  const right = new Float64Array(unknowns);
  for (const row of rows) {
    for (let i = 0; i < unknowns; i++) {
      right[i]! += row[i]! * row[unknowns]!;
      for (let j = 0; j < unknowns; j++) normal[i * unknowns + j]! += row[i]! * row[j]!;
    }
  }
  return { normal, right };
}

function residualVariance(rows: readonly Float64Array[], solution: Float64Array): number {
  let total = 0;
  for (const row of rows) {
    total += (row[solution.length]! - solution.reduce((sum, value, i) => sum + value * row[i]!, 0)) ** 2;
  }
  return total / (rows.length - solution.length);
}
