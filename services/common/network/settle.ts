import { energy, fieldOf, flip, spinsOf, type Spins } from './energy.js';
import type { ConceptNetwork } from './network.js';

/** How a run from one state to a local minimum of the energy went. */
export interface Settling {
  /** 0/1, one byte a node. */
  readonly state: Uint8Array;
  readonly energyStart: number;
  readonly energyEnd: number;
  /** Sweeps until no spin flipped, the quiet last one included. */
  readonly settleLoops: number;
  /** False when the limit of sweeps ended the run while spins still flipped. */
  readonly settled: boolean;
}

/** A sweep limit that real graphs never reach: descent on n bits ends, but in theory only after many sweeps. */
const maxSweeps = 1_000;

/** Fields smaller than this, relative to the rms field, are rounding and flip nothing; so the energy cannot rise. */
const deadZone = 1e-9;

/**
 * Zero-temperature settling: sequential sweeps that align every free spin with its field, until none flips. Every flip
 * lowers the energy (Hopfield 1982), so it ends in a local minimum.
 * @param start 0/1, one byte a node; not changed
 * @param clamped 1 where a node must keep its value; none when absent
 */
export function settle(network: ConceptNetwork, start: Uint8Array, clamped?: Uint8Array): Settling {
  const spins = spinsOf(network, start, clamped);
  const energyStart = energy(network, start);
  const { change, settleLoops, settled } = descend(network, spins);
  return { state: spins.state, energyStart, energyEnd: energyStart + change, settleLoops, settled };
}

/** Descends in place; `change` is the energy gained, at most 0. */
export function descend(
  network: ConceptNetwork,
  spins: Spins,
): { change: number; settleLoops: number; settled: boolean } {
  let change = 0;
  for (let sweep = 1; sweep <= maxSweeps; sweep++) {
    const before = change;
    change += descentSweep(network, spins);
    if (change === before) return { change, settleLoops: sweep, settled: true };
  }
  return { change, settleLoops: maxSweeps, settled: false };
}

function descentSweep(network: ConceptNetwork, spins: Spins): number {
  const { state, clamped } = spins;
  const threshold = deadZone * network.rmsField;
  let change = 0;
  for (let i = 0; i < state.length; i++) {
    const field = fieldOf(network, spins, i);
    const gain = state[i] === 0 ? field : -field;
    if (gain <= threshold || clamped?.[i] === 1) continue;
    flip(network, spins, i);
    change -= gain;
  }
  return change;
}
