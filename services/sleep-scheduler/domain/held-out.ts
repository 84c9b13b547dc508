import { completeCue } from '../../common/network/complete.js';
import { energy } from '../../common/network/energy.js';
import type { ConceptNetwork } from '../../common/network/network.js';
import { ndcgAt } from '../../common/network/ndcg.js';
import { randomBelow, shuffle, type Random } from '../../common/network/random.js';

/** How well a network fits episodes that it did not learn from. */
export interface Fit {
  /** Mean energy of the episodes above that of their controls: how deep the wells are that learning has dug for them. */
  readonly energy: number;
  /** Mean NDCG@20 of completing the half that is hidden from the half that is shown. */
  readonly completion: number;
}

/** An episode split in two, as node indices. */
export interface Split {
  readonly shown: Uint32Array;
  readonly hidden: Uint32Array;
  /** As many concepts, drawn by how common they are: an episode that never was. */
  readonly control: Uint32Array;
}

/** Splits episodes of at least two concepts into random halves, the same for every network that is measured. */
export function splitsOf(episodes: readonly Uint32Array[], random: Random): Split[] {
  const everything = Uint32Array.from(episodes.flatMap((indices) => [...indices]));
  return episodes
    .filter((indices) => indices.length >= 2)
    .map((indices) => {
      const order = indices.slice();
      shuffle(order, random);
      const half = order.length >> 1;
      const control = new Set<number>();
      for (let draw = 0; draw < 8 * order.length && control.size < order.length; draw++) {
        control.add(everything[randomBelow(random, everything.length)]!);
      }
      return {
        shown: order.slice(0, half).sort(),
        hidden: order.slice(half),
        control: Uint32Array.from(control),
      };
    });
}

/** Measures a network on held-out splits. */
export function fitOf(network: ConceptNetwork, splits: readonly Split[]): Fit {
  if (splits.length === 0) return { energy: 0, completion: 0 };
  let energySum = 0;
  let completionSum = 0;
  const state = new Uint8Array(network.nodeIds.length);
  for (const { shown, hidden, control } of splits) {
    energySum += energyOf(network, [...shown, ...hidden], state) - energyOf(network, control, state);
    const ids = shown.map((i) => network.nodeIds[i]!);
    const cue = { ids, values: new Float32Array(ids.length).fill(1) };
    const ranked = completeCue(network, cue, 20).concepts.map(({ id }) => id);
    completionSum += ndcgAt(20, ranked, new Set(hidden.map((i) => network.nodeIds[i]!)));
  }
  return { energy: energySum / splits.length, completion: completionSum / splits.length };
}

function energyOf(network: ConceptNetwork, active: Iterable<number>, state: Uint8Array): number {
  state.fill(0);
  for (const i of active) state[i] = 1;
  return energy(network, state);
}
