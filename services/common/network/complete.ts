import { couplingGain, indexOf, type ConceptNetwork } from './network.js';
import { settle } from './settle.js';

/** A concept that the network filled in. */
export interface CompletedConcept {
  readonly id: number;
  /** Conditional mean of the concept given the settled state, divided by u^¼ (see {@link completeCue}). */
  readonly score: number;
  /** True when it is on in the settled state. */
  readonly active: boolean;
}

/** Answer to a cue. Energies are in units of the network's rms local field. */
export interface Completion {
  /** Concepts outside the cue, highest score first; equal scores by how common they are, then in order of id. */
  readonly concepts: CompletedConcept[];
  readonly energyStart: number;
  /** Never above energyStart. */
  readonly energyEnd: number;
  readonly settleLoops: number;
}

/**
 * Completes a cue: clamps its concepts on, settles the rest at zero temperature and ranks the others by what the settled
 * state makes of them.
 *
 * The score of j is 10 Σᵢ wᵢⱼ xᵢ / uᵢ^(7/4) over the active i, with the stored weights w: the conditional mean
 * Σᵢ ρᵢⱼ xᵢ uⱼ/uᵢ of a Gaussian field (Steck 2019, written with partial correlations) over uⱼ^¼, which keeps common
 * concepts from crowding out telling ones; measured in docs/mathematics.md.
 * Concepts of the cue that the network does not hold have no effect.
 * @param cue ids strictly ascending, values above 0
 * @param limit most concepts to return
 */
export function completeCue(
  network: ConceptNetwork,
  cue: { readonly ids: Uint32Array; readonly values: Float32Array },
  limit: number,
): Completion {
  const clamped = new Uint8Array(network.nodeIds.length);
  for (const id of cue.ids) {
    const index = indexOf(network.nodeIds, id);
    if (index >= 0) clamped[index] = 1;
  }
  const settling = settle(network, clamped, clamped);
  const scores = scoresOf(network, settling.state);
  const concepts = strongest(network, scores, { excluded: clamped, limit }).map((index) => ({
    id: network.nodeIds[index]!,
    score: scores[index]!,
    active: settling.state[index] === 1,
  }));
  return {
    concepts,
    energyStart: settling.energyStart / network.rmsField,
    energyEnd: settling.energyEnd / network.rmsField,
    settleLoops: settling.settleLoops,
  };
}

/** Scores of all nodes given a 0/1 state; touches the rows of active nodes only. */
function scoresOf({ rowStart, columns, couplings, scale }: ConceptNetwork, state: Uint8Array): Float64Array {
  const scores = new Float64Array(state.length);
  for (let i = 0; i < state.length; i++) {
    if (state[i] === 0) continue;
    const activation = 1 / (couplingGain * scale[i]!);
    for (let at = rowStart[i]!; at < rowStart[i + 1]!; at++) {
      scores[columns[at]!]! += couplings[at]! * activation;
    }
  }
  for (let j = 0; j < scores.length; j++) scores[j]! *= scale[j]! ** 0.75;
  return scores;
}

/** The first `limit` indices outside `excluded` in the order of a completion. Sorts those only that can be among them. */
function strongest(
  { bias }: ConceptNetwork,
  scores: Float64Array,
  { excluded, limit }: { excluded: Uint8Array; limit: number },
): number[] {
  const order = (a: number, b: number) => scores[b]! - scores[a]! || bias[b]! - bias[a]! || a - b;
  const free = Array.from(scores.keys()).filter((i) => excluded[i] === 0);
  if (free.length <= limit) return free.sort(order);
  const threshold = Float64Array.from(free, (i) => scores[i]!).sort()[free.length - limit]!;
  const above = free.filter((i) => scores[i]! > threshold).sort(order);
  const tied = free.filter((i) => scores[i] === threshold).sort(order);
  return [...above, ...tied].slice(0, limit);
}
