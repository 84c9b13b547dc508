import { indexOf, type ConceptNetwork } from './network.js';
import { settle } from './settle.js';

/** A concept that the network filled in. */
export interface CompletedConcept {
  readonly id: number;
  /** Local field of the concept: the log-odds that the network gives it. */
  readonly score: number;
  /** True when it is on in the settled state. */
  readonly active: boolean;
}

/** Answer to a cue. Energies are in units of the network's rms local field. */
export interface Completion {
  /** Concepts outside the cue, highest score first; equal scores in order of id. */
  readonly concepts: CompletedConcept[];
  readonly energyStart: number;
  /** Never above energyStart. */
  readonly energyEnd: number;
  readonly settleLoops: number;
}

/**
 * Completes a cue: clamps its concepts on, settles the rest at zero temperature and ranks the others by their field.
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
  const concepts = strongest(settling.fields, clamped, limit).map((index) => ({
    id: network.nodeIds[index]!,
    score: settling.fields[index]!,
    active: settling.state[index] === 1,
  }));
  return {
    concepts,
    energyStart: settling.energyStart / network.rmsField,
    energyEnd: settling.energyEnd / network.rmsField,
    settleLoops: settling.settleLoops,
  };
}

/** Indices of the `limit` highest scores among nodes outside `excluded`; equal scores in order of index. */
function strongest(scores: Float64Array, excluded: Uint8Array, limit: number): number[] {
  const candidates: number[] = [];
  for (let i = 0; i < scores.length; i++) if (excluded[i] === 0) candidates.push(i);
  candidates.sort((a, b) => scores[b]! - scores[a]! || a - b);
  return candidates.slice(0, limit);
}
