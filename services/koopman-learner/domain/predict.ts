import { angularFrequency, oscillates, type Mode } from './modes.js';

/** Largest value that the wire's f32 holds. */
const largestActivation = 3.4e38;

/**
 * The state `ahead` steps after the newest snapshot, x = Σ φ b λᵗ, with the conjugates added. Entries may be negative: the
 * linear model knows no floor.
 * @returns n entries
 * @throws RangeError when a growing mode leaves the range of activations by then
 */
export function predictState(modes: readonly Mode[], dimension: number, ahead: number): Float64Array {
  const state = new Float64Array(dimension);
  for (const mode of modes) {
    const size = mode.magnitude * Math.hypot(mode.re, mode.im) ** ahead * (oscillates(mode) ? 2 : 1);
    if (!(size < largestActivation)) {
      throw new RangeError(`a growing mode leaves the range of activations ${ahead} bins ahead`);
    }
    const angle = mode.phase + angularFrequency(mode) * ahead;
    const re = size * Math.cos(angle);
    const im = size * Math.sin(angle);
    for (let i = 0; i < dimension; i++) state[i]! += re * mode.vectorRe[i]! - im * mode.vectorIm[i]!;
  }
  return state;
}
