import { randomBelow, seededRandom, type Random } from '../common/network/random.js';

/** An episode as `memory.put` takes it and `memory.get` gives it back. */
export interface SyntheticEpisode {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly concepts: Readonly<Record<string, number>>;
}

/** What a stream of episodes looks like. */
export interface Workload {
  /** Same seed, same episodes. */
  readonly seed: number;
  /** Concepts of each episode. */
  readonly concepts: number;
  /** Time of the first episode, in milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Time between two episodes, in milliseconds. */
  readonly intervalMs: number;
}

const topics = 40;
const topicsPerEpisode = 2;

/**
 * The k-th episode of a workload: a function of both alone, so that what was stored can be checked without having been
 * kept. Its concepts come from two of forty topics, some of each topic far more often than others (rank by the square of
 * a uniform number), so that there is something to consolidate, prune and recall.
 */
export function syntheticEpisode(workload: Workload, k: number): SyntheticEpisode {
  const { seed, concepts, startMs, intervalMs } = workload;
  const random = seededRandom((seed ^ Math.imul(k + 1, 0x9e3779b1)) >>> 0);
  return {
    id: `load-${seed.toString(36)}-${k}`,
    time: Math.floor(startMs + k * intervalMs),
    source: 'loadgen',
    meta: { seed: String(seed), index: String(k) },
    concepts: drawConcepts(random, concepts),
  };
}

/** How an episode that was read differs from the one that was written; undefined when they are equal. */
export function differenceOf(written: SyntheticEpisode, read: SyntheticEpisode): string | undefined {
  if (read.time !== written.time) return `time ${read.time} in place of ${written.time}`;
  if (read.source !== written.source) return `source "${read.source}" in place of "${written.source}"`;
  if (!sameEntries(read.meta, written.meta, (one, other) => one === other)) return 'other labels';
  // Activations are kept as 32-bit floats.
  const sameActivation = (one: number, other: number) => Math.fround(one) === Math.fround(other);
  return sameEntries(read.concepts, written.concepts, sameActivation) ? undefined : 'other concepts';
}

function drawConcepts(random: Random, count: number): Record<string, number> {
  const vocabulary = 2 * count + 100;
  const chosen = Array.from({ length: topicsPerEpisode }, () => randomBelow(random, topics));
  const concepts = new Map<string, number>();
  while (concepts.size < count) {
    const topic = chosen[randomBelow(random, topicsPerEpisode)]!;
    const rank = Math.floor(vocabulary * random() ** 2);
    concepts.set(`topic${topic}-${rank}`, Math.fround(0.1 + 0.9 * random()));
  }
  return Object.fromEntries(concepts);
}

function sameEntries<V>(
  one: Readonly<Record<string, V>>,
  other: Readonly<Record<string, V>>,
  same: (a: V, b: V) => boolean,
): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && same(one[name]!, other[name]!))
  );
}
