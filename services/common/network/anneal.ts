import { energy, fieldOf, flip, spinsOf, type Spins } from './energy.js';
import type { ConceptNetwork } from './network.js';
import type { Random } from './random.js';
import { descend, type Settling } from './settle.js';

/** How an annealing run cools. Temperatures are in units of the network's rms local field. */
export interface AnnealOptions {
  /** Initial temperature. */
  readonly t0: number;
  readonly random: Random;
  /** 1 where a node must keep its value; none when absent. */
  readonly clamped?: Uint8Array;
  /** Below this temperature the run settles at zero. Default 0.05. */
  readonly floor?: number;
  /** Factor between the temperatures of two sweeps. Default 0.91: 40 sweeps from T0 = 2 to the floor. */
  readonly cooling?: number;
}

/**
 * Simulated annealing (Kirkpatrick, Gelatt, Vecchi 1983): single-spin Metropolis sweeps from T0, one a temperature, on a
 * geometric schedule, then zero-temperature settling. Stops cooling early once two sweeps in a row flipped nothing.
 * `settleLoops` counts every sweep, hot ones included.
 * @param start 0/1, one byte a node; not changed
 */
export function anneal(network: ConceptNetwork, start: Uint8Array, options: AnnealOptions): Settling {
  const { t0, random, floor = 0.05, cooling = 0.91 } = options;
  const spins = spinsOf(network, start, options.clamped);
  const energyStart = energy(network, start);
  let hotSweeps = 0;
  let quiet = 0;
  for (let t = t0; t > floor && quiet < 2; t *= cooling) {
    const flips = metropolisSweep(network, spins, { temperature: t * network.rmsField, random });
    quiet = flips === 0 ? quiet + 1 : 0;
    hotSweeps++;
  }
  const { settleLoops, settled } = descend(network, spins);
  return {
    state: spins.state,
    energyStart,
    energyEnd: energy(network, spins.state),
    settleLoops: hotSweeps + settleLoops,
    settled,
  };
}

/**
 * One sequential sweep of Metropolis proposals (Metropolis et al. 1953) in place; returns how many flipped.
 * The Boltzmann law exp(-E/T) of the free nodes, given the clamped ones, is stationary under it.
 */
export function metropolisSweep(
  network: ConceptNetwork,
  spins: Spins,
  heat: { readonly temperature: number; readonly random: Random },
): number {
  const { state, clamped } = spins;
  let flips = 0;
  for (let i = 0; i < state.length; i++) {
    if (clamped?.[i] === 1) continue;
    const field = fieldOf(network, spins, i);
    const rise = state[i] === 0 ? -field : field;
    if (rise > 0 && heat.random() >= Math.exp(-rise / heat.temperature)) continue;
    flip(network, spins, i);
    flips++;
  }
  return flips;
}
