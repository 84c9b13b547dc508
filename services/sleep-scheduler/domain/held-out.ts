import { completeCue } from '../../common/network/complete.js';
import { energy } from '../../common/network/energy.js';
import type { ConceptNetwork } from '../../common/network/network.js';
import { ndcgAt } from '../../common/network/ndcg.js';
import { shuffle, type Random } from '../../common/network/random.js';

/** How well a network fits episodes that it did not learn from. */
export interface Fit {
  /** Mean energy of the episodes. */
  readonly energy: number;
  /** Mean NDCG@20 of completing the half that is hidden from the half that is shown. */
  readonly completion: number;
}

/** An episode split in two, as node indices. */
export interface Split {
  readonly shown: Uint32Array;
  readonly hidden: Uint32Array;
}

/** Splits episodes of at least two concepts into random halves, the same for every network that is measured. */
export function splitsOf(episodes: readonly Uint32Array[], random: Random): Split[] {
  return episodes
    .filter((indices) => indices.length >= 2)
    .map((indices) => {
      const order = indices.slice();
      shuffle(order, random);
      const half = order.length >> 1;
      return { shown: order.slice(0, half).sort(), hidden: order.slice(half) };
    });
}

/** Measures a network on held-out splits. */
export function fitOf(network: ConceptNetwork, splits: readonly Split[]): Fit {
  if (splits.length === 0) return { energy: 0, completion: 0 };
  let energySum = 0;
  let completionSum = 0;
  const state = new Uint8Array(network.nodeIds.length);
  for (const { shown, hidden } of splits) {
    for (const i of [...shown, ...hidden]) state[i] = 1;
    energySum += energy(network, state);
    state.fill(0);
    const ids = shown.map((i) => network.nodeIds[i]!);
    const cue = { ids, values: new Float32Array(ids.length).fill(1) };
    const ranked = completeCue(network, cue, 20).concepts.map(({ id }) => id);
    completionSum += ndcgAt(20, ranked, new Set(hidden.map((i) => network.nodeIds[i]!)));
  }
  return { energy: energySum / splits.length, completion: completionSum / splits.length };
}
