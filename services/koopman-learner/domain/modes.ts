import type { Amplitudes } from './amplitudes.js';
import type { ComplexMatrix } from './complex.js';
import { wrapAngle } from './complex.js';
import type { Decomposition } from './dmd.js';
import type { SnapshotWindow } from './snapshot-window.js';

/** One dynamic mode; a conjugate pair counts as one, by the eigenvalue with positive imaginary part. */
export interface Mode {
  /** Stable over refits; 0 before it is given. */
  readonly id: number;
  /** Eigenvalue per step; `im` is at least 0. */
  readonly re: number;
  readonly im: number;
  /** Root mean square of |bλᵗ| over the newest stretch of the window. */
  readonly amplitude: number;
  /** ψ: phase of bλᵗ at the newest snapshot, in (−π, π]. */
  readonly phase: number;
  /** |bλᵗ| at the newest snapshot. */
  readonly magnitude: number;
  /** See {@link Decomposition.residuals}. */
  readonly residual: number;
  /** φ, n entries, of unit norm; the imaginary part of a real mode is zero. */
  readonly vectorRe: Float64Array;
  readonly vectorIm: Float64Array;
}

/** Turns of a mode per step of the series, in radians: 0 to π. */
export function angularFrequency({ re, im }: Pick<Mode, 're' | 'im'>): number {
  return Math.atan2(im, re);
}

/** True when the mode oscillates, which is when its phase can drift. */
export function oscillates({ im }: Pick<Mode, 'im'>): boolean {
  return im > 0;
}

/** Places of a decomposition that are modes of their own and take part: one of each pair, amplitude above 0. */
export function activePlaces({ im }: Decomposition, { strength }: Amplitudes): number[] {
  return Array.from(im.keys())
    .filter((j) => im[j]! >= 0 && strength[j]! > 0)
    .sort((a, b) => strength[b]! - strength[a]!);
}

/**
 * Builds the mode at one place. Its free phase is fixed by making the largest entry real and positive, so that ψ does not
 * depend on the eigensolver.
 */
export function buildMode(
  window: SnapshotWindow,
  decomposition: Decomposition,
  amplitudes: Amplitudes,
  place: number,
): Mode {
  const { re, im, residuals, coefficients } = decomposition;
  const mode: Mode = {
    id: 0,
    re: re[place]!,
    im: im[place]!,
    amplitude: amplitudes.strength[place]!,
    phase: amplitudes.phase[place]!,
    magnitude: amplitudes.magnitude[place]!,
    residual: residuals[place]!,
    ...combine(window, coefficients, place),
  };
  return turn(mode, -largestEntryPhase(mode));
}

/** The same mode with its vector turned by an angle; ψ turns back, so that b·φ stays. */
export function turn(mode: Mode, angle: number): Mode {
  const c = Math.cos(angle);
  const s = mode.im === 0 ? 0 : Math.sin(angle);
  return {
    ...mode,
    phase: wrapAngle(mode.phase - angle),
    vectorRe: mode.vectorRe.map((re, i) => c * re - s * mode.vectorIm[i]!),
    vectorIm: mode.vectorIm.map((im, i) => c * im + s * mode.vectorRe[i]!),
  };
}

/** φ = Σ_k coefficients[place, k] x_k. */
function combine(
  window: SnapshotWindow,
  coefficients: ComplexMatrix,
  place: number,
): Pick<Mode, 'vectorRe' | 'vectorIm'> {
  const vectorRe = new Float64Array(window.dimension);
  const vectorIm = new Float64Array(window.dimension);
  for (let k = 0; k < window.size; k++) {
    const re = coefficients.re[place * coefficients.columns + k]!;
    const im = coefficients.im[place * coefficients.columns + k]!;
    if (re === 0 && im === 0) continue;
    const snapshot = window.snapshot(k);
    for (let i = 0; i < snapshot.length; i++) {
      vectorRe[i]! += re * snapshot[i]!;
      vectorIm[i]! += im * snapshot[i]!;
    }
  }
  return { vectorRe, vectorIm };
}

function largestEntryPhase({ vectorRe, vectorIm }: Mode): number {
  let largest = 0;
  let phase = 0;
  for (let i = 0; i < vectorRe.length; i++) {
    const size = vectorRe[i]! ** 2 + vectorIm[i]! ** 2;
    if (size > largest) {
      largest = size;
      phase = Math.atan2(vectorIm[i]!, vectorRe[i]!);
    }
  }
  return phase;
}
