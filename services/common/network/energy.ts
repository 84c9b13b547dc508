import type { ConceptNetwork } from './network.js';

/** E(x) = -½ xᵀWx - bᵀx of a 0/1 state, one byte a node. Touches the rows of active nodes only. */
export function energy(network: ConceptNetwork, state: Uint8Array): number {
  const { rowStart, columns, weights, bias } = network;
  let pairs = 0;
  let single = 0;
  for (let i = 0; i < state.length; i++) {
    if (state[i] === 0) continue;
    single += bias[i]!;
    for (let at = rowStart[i]!; at < rowStart[i + 1]!; at++) pairs += state[columns[at]!]! * weights[at]!;
  }
  return -0.5 * pairs - single;
}

/** Local fields hᵢ = bᵢ + Σⱼ Wᵢⱼ xⱼ; turning node i on changes the energy by -hᵢ, turning it off by +hᵢ. */
export function localFields(network: ConceptNetwork, state: Uint8Array): Float64Array {
  const fields = Float64Array.from(network.bias);
  for (let i = 0; i < state.length; i++) if (state[i] !== 0) addRow(network, i, 1, fields);
  return fields;
}

/** Adds `factor` times row i of W to the fields: what a flip of node i does to its neighbours. */
export function addRow(network: ConceptNetwork, i: number, factor: number, fields: Float64Array): void {
  const { rowStart, columns, weights } = network;
  const end = rowStart[i + 1]!;
  for (let at = rowStart[i]!; at < end; at++) fields[columns[at]!]! += factor * weights[at]!;
}

/** Flips node i, keeps the fields current, and returns the change of energy. */
export function flip(network: ConceptNetwork, i: number, state: Uint8Array, fields: Float64Array): number {
  const factor = state[i] === 0 ? 1 : -1;
  state[i] = state[i] === 0 ? 1 : 0;
  addRow(network, i, factor, fields);
  return -factor * fields[i]!;
}
