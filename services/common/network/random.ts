/** Uniform numbers in [0, 1). */
export type Random = () => number;

/**
 * A seeded random source: sfc32 (Doty-Humphrey, PractRand), its state filled by SplitMix32 so that neighbouring small
 * seeds give unrelated streams; raw small seeds bias the first draws.
 * @param seed any integer; its low 32 bits count
 */
export function seededRandom(seed: number): Random {
  let mixer = seed >>> 0;
  const mixed = () => {
    mixer = (mixer + 0x9e3779b9) >>> 0;
    let word = mixer;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return word ^ (word >>> 15);
  };
  let [a, b, c, counter] = [mixed(), mixed(), mixed(), 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}

/** A whole number in [0, limit). */
export function randomBelow(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** Puts the first `count` entries of `items` in random order, drawn from all of them (Fisher-Yates), in place. */
export function shuffle(items: Uint32Array, random: Random, count = items.length): void {
  for (let k = 0; k < count; k++) {
    const other = k + randomBelow(random, items.length - k);
    const kept = items[k]!;
    items[k] = items[other]!;
    items[other] = kept;
  }
}
