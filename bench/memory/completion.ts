import { ndcgAt } from '../../services/common/network/ndcg.js';
import { shuffle, type Random } from '../../services/common/network/random.js';
import type { Message } from './corpus.js';
import type { Scorer } from './incidence.js';

/** Places of a ranking that count. */
const depth = 20;

/** A message torn in two: what is shown and what is to be found, as items of the vocabulary. */
export interface Tear {
  readonly cue: Uint32Array;
  readonly hidden: ReadonlySet<number>;
}

/** How well a method completes. */
export interface Quality {
  /** Mean NDCG@20 over the messages. */
  readonly ndcg: number;
  /** Standard error of that mean. */
  readonly standardError: number;
}

/** Hides a random half of each message's concepts of the vocabulary; messages with fewer than two are left out. */
export function tearMessages(
  messages: readonly Message[],
  itemOf: ReadonlyMap<string, number>,
  random: Random,
): Tear[] {
  const tears: Tear[] = [];
  for (const { concepts } of messages) {
    const items = itemsOf(concepts.keys(), itemOf);
    if (items.length < 2) continue;
    shuffle(items, random);
    const shown = Math.ceil(items.length / 2);
    tears.push({ cue: items.slice(0, shown), hidden: new Set(items.subarray(shown)) });
  }
  return tears;
}

/** The items among names, in their order. */
export function itemsOf(names: Iterable<string>, itemOf: ReadonlyMap<string, number>): Uint32Array {
  return Uint32Array.from([...names].map((name) => itemOf.get(name)).filter((item) => item !== undefined));
}

/** Completes every cue and compares the first 20 items outside it with what was hidden. */
export async function measureCompletion(score: Scorer, tears: readonly Tear[]): Promise<Quality> {
  const gains: number[] = [];
  for (const { cue, hidden } of tears) gains.push(ndcgAt(depth, best(await score(cue), cue), hidden));
  const ndcg = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const variance = gains.reduce((sum, gain) => sum + (gain - ndcg) ** 2, 0) / Math.max(1, gains.length - 1);
  return { ndcg, standardError: Math.sqrt(variance / gains.length) };
}

/** Items with the highest scores outside the cue; equal scores in order of item. */
function best(scores: Float64Array, cue: Uint32Array): number[] {
  const excluded = new Set(cue);
  const candidates = [...scores.keys()].filter((item) => scores[item]! > -Infinity && !excluded.has(item));
  return candidates.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, depth);
}
