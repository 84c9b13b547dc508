import { anneal } from '../../common/network/anneal.js';
import type { ConceptNetwork } from '../../common/network/network.js';
import type { Random } from '../../common/network/random.js';

/** How the network came to rest. */
export interface Dream {
  /** (E_start − E_end) / |E_start|; 0 when E_start is 0. */
  readonly energyDropRatio: number;
  /** Sweeps until no spin flipped. */
  readonly settleLoops: number;
}

/**
 * Anneals the network from T₀ with half of an episode clamped on and concepts that do not belong to it put beside it: a
 * network that knows the episode drops them and fills in what is missing. A start that is too cold stays with the nearest
 * minimum, one that is too hot costs sweeps.
 */
export function dream(
  network: ConceptNetwork,
  start: { readonly cue: Uint32Array; readonly noise: Uint32Array },
  { annealT0, random }: { readonly annealT0: number; readonly random: Random },
): Dream {
  const clamped = new Uint8Array(network.nodeIds.length);
  for (const i of start.cue) clamped[i] = 1;
  const state = clamped.slice();
  for (const i of start.noise) state[i] = 1;
  const { energyStart, energyEnd, settleLoops } = anneal(network, state, { t0: annealT0, random, clamped });
  const energyDropRatio = energyStart === 0 ? 0 : (energyStart - energyEnd) / Math.abs(energyStart);
  return { energyDropRatio, settleLoops };
}
