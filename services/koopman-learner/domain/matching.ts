import { wrapAngle } from './complex.js';
import { angularFrequency, oscillates, turn, type Mode } from './modes.js';

/** Modes with the concepts that the entries of their vectors belong to. */
export interface NamedModes {
  readonly modes: readonly Mode[];
  /** n concept ids. */
  readonly concepts: Uint32Array;
}

/** Modes after matching, strongest first, and how they agree with the earlier ones. */
export interface MatchedModes {
  readonly modes: readonly Mode[];
  /** For each of `modes`, the earlier mode that it continues. */
  readonly earlier: readonly (Mode | undefined)[];
}

/** Modes whose eigenvalues are farther apart than this are never the same mode. */
const farthestEigenvalue = 0.5;
/** Least modal assurance criterion × closeness of eigenvalues that makes two modes the same. */
const leastLikeness = 0.25;

/**
 * Finds each mode's predecessor, by the modal assurance criterion |φ₁ᴴφ₂|² (Allemang & Brown 1982) times the closeness of
 * the eigenvalues, best pairs first. A continued mode takes over id and phase reference (φ₁ᴴφ₂ becomes real and
 * positive), so that its ψ can be compared; the others get ids from `nextId` on.
 */
export function matchModes(next: NamedModes, previous: NamedModes | undefined, nextId: number): MatchedModes {
  const pairs = previous === undefined ? [] : likelyPairs(next, previous);
  const partners = new Map<Mode, Pair>();
  const taken = new Set<Mode>();
  for (const pair of pairs) {
    if (partners.has(pair.mode) || taken.has(pair.earlier)) continue;
    partners.set(pair.mode, pair);
    taken.add(pair.earlier);
  }
  let id = nextId;
  const modes = next.modes.map((mode) => {
    const pair = partners.get(mode);
    return pair === undefined ? { ...mode, id: id++ } : { ...turn(mode, -pair.angle), id: pair.earlier.id };
  });
  return { modes, earlier: next.modes.map((mode) => partners.get(mode)?.earlier) };
}

/**
 * ψ-drift: by how much the phases differ from what the earlier window foretold, arg(bₖ′ b̄ₖ) − ωₖ·shift, as the mean of the
 * absolute values over continued oscillating modes, weighted by amplitude. Undefined when no such mode continues.
 * @param shift steps between the newest snapshots of the two windows
 * @returns radians, 0 to π
 */
export function psiDrift({ modes, earlier }: MatchedModes, shift: number): number | undefined {
  let drift = 0;
  let weight = 0;
  modes.forEach((mode, k) => {
    const before = earlier[k];
    if (before === undefined || !oscillates(mode)) return;
    drift +=
      mode.amplitude * Math.abs(wrapAngle(mode.phase - before.phase - angularFrequency(before) * shift));
    weight += mode.amplitude;
  });
  return weight === 0 ? undefined : drift / weight;
}

interface Pair {
  readonly mode: Mode;
  readonly earlier: Mode;
  readonly likeness: number;
  /** arg φ₁ᴴφ₂. */
  readonly angle: number;
}

function likelyPairs(next: NamedModes, previous: NamedModes): Pair[] {
  const rows = sharedRows(previous.concepts, next.concepts);
  return next.modes
    .flatMap((mode) => previous.modes.map((earlier) => pairOf(mode, earlier, rows)))
    .filter((pair) => pair !== undefined)
    .sort((a, b) => b.likeness - a.likeness);
}

function pairOf(mode: Mode, earlier: Mode, rows: SharedRows): Pair | undefined {
  const distance = Math.hypot(mode.re - earlier.re, mode.im - earlier.im);
  if (oscillates(mode) !== oscillates(earlier) || distance > farthestEigenvalue) return undefined;
  let re = 0;
  let im = 0;
  for (let k = 0; k < rows.before.length; k++) {
    const p = rows.before[k]!;
    const q = rows.now[k]!;
    re += earlier.vectorRe[p]! * mode.vectorRe[q]! + earlier.vectorIm[p]! * mode.vectorIm[q]!;
    im += earlier.vectorRe[p]! * mode.vectorIm[q]! - earlier.vectorIm[p]! * mode.vectorRe[q]!;
  }
  const likeness = (re * re + im * im) * (1 - distance / farthestEigenvalue);
  return likeness < leastLikeness ? undefined : { mode, earlier, likeness, angle: Math.atan2(im, re) };
}

interface SharedRows {
  readonly before: Uint32Array;
  readonly now: Uint32Array;
}

/** Rows of the two state vectors that stand for the same concept. */
function sharedRows(before: Uint32Array, now: Uint32Array): SharedRows {
  const rowNow = new Map(Array.from(now, (concept, row) => [concept, row]));
  const shared = Array.from(before.keys()).filter((row) => rowNow.has(before[row]!));
  return {
    before: Uint32Array.from(shared),
    now: Uint32Array.from(shared, (row) => rowNow.get(before[row]!)!),
  };
}
