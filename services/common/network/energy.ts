import type { ConceptNetwork } from './network.js';

/** A 0/1 state with what keeps its energy cheap to follow; runs change it in place. */
export interface Spins {
  /** One byte a node. */
  readonly state: Uint8Array;
  /** bᵢ + Σⱼ Jᵢⱼ xⱼ: the local field without inhibition. */
  readonly drive: Float64Array;
  /** Nodes that are on. */
  active: number;
  /** 1 where a node must keep its value; none when undefined. */
  readonly clamped: Uint8Array | undefined;
}

/** Spins of a state, which is copied. */
export function spinsOf(network: ConceptNetwork, start: Uint8Array, clamped?: Uint8Array): Spins {
  const drive = Float64Array.from(network.bias);
  let active = 0;
  for (let i = 0; i < start.length; i++) {
    if (start[i] === 0) continue;
    addRow(network, i, 1, drive);
    active++;
  }
  return { state: start.slice(), drive, active, clamped };
}

/** E(x) = -½ xᵀJx - bᵀx + ½ κ k(k - 1) with k nodes on. Touches the rows of active nodes only. */
export function energy(network: ConceptNetwork, state: Uint8Array): number {
  const { rowStart, columns, couplings, bias, inhibition } = network;
  let pairs = 0;
  let single = 0;
  let active = 0;
  for (let i = 0; i < state.length; i++) {
    if (state[i] === 0) continue;
    active++;
    single += bias[i]!;
    for (let at = rowStart[i]!; at < rowStart[i + 1]!; at++) pairs += state[columns[at]!]! * couplings[at]!;
  }
  return -0.5 * pairs - single + 0.5 * inhibition * active * (active - 1);
}

/** Local field hᵢ; turning node i on changes the energy by -hᵢ, turning it off by +hᵢ. */
export function fieldOf({ inhibition }: ConceptNetwork, { drive, active, state }: Spins, i: number): number {
  return drive[i]! - inhibition * (active - state[i]!);
}

/** Flips node i; neighbours learn of it through their drive, all others through the number of active nodes. */
export function flip(network: ConceptNetwork, spins: Spins, i: number): void {
  const step = spins.state[i] === 0 ? 1 : -1;
  spins.state[i] = spins.state[i] === 0 ? 1 : 0;
  spins.active += step;
  addRow(network, i, step, spins.drive);
}

function addRow(network: ConceptNetwork, i: number, factor: number, drive: Float64Array): void {
  const { rowStart, columns, couplings } = network;
  const end = rowStart[i + 1]!;
  for (let at = rowStart[i]!; at < end; at++) drive[columns[at]!]! += factor * couplings[at]!;
}
