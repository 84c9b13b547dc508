import { SnapshotWindow } from './snapshot-window.js';

/** One component of a synthetic series: amplitude·e^{i·phase} φ λᵗ and its conjugate. */
export interface Component {
  readonly modulus: number;
  /** Radians per step; 0 or π for a real mode. */
  readonly angle: number;
  readonly amplitude?: number;
  readonly phase?: number;
}

/** Deterministic numbers in [−1, 1) that look random (Weyl sequences of a hashed seed). */
export function noise(seed: number): (k: number) => number {
  return (k) => {
    const x = Math.sin(seed * 78.233 + k * 12.9898) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  };
}

/** x_t for t = 0 … length−1: Σ 2 Re(b φ λᵗ) for pairs, Re(b) Re(φ) λᵗ for real modes; φ drawn per component. */
export function linearSeries(
  components: readonly Component[],
  dimension: number,
  length: number,
): Float64Array[] {
  const drawRe = components.map((_, j) => noise(j + 1));
  const drawIm = components.map((_, j) => noise(j + 101));
  return Array.from({ length }, (_, t) =>
    Float64Array.from({ length: dimension }, (_, i) =>
      components.reduce((sum, { modulus, angle, amplitude = 1, phase = 0 }, j) => {
        const size = amplitude * modulus ** t;
        const real = Math.sin(angle) < 1e-12;
        const turned =
          size *
          (drawRe[j]!(i) * Math.cos(angle * t + phase) -
            (real ? 0 : drawIm[j]!(i) * Math.sin(angle * t + phase)));
        return sum + (real ? turned : 2 * turned);
      }, 0),
    ),
  );
}

/** A full window of these snapshots. */
export function windowOf(snapshots: readonly Float64Array[]): SnapshotWindow {
  const window = new SnapshotWindow(snapshots[0]?.length ?? 0, snapshots.length);
  for (const snapshot of snapshots) window.push(snapshot);
  return window;
}

/** 0 … count−1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}

/** Runs a stepwise computation to its end. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
