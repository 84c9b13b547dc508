import { scaleOf, weightScale } from './scale.js';

/** What a network is built from: nodes, and edges with a < b that appear once. */
export interface NetworkInput {
  /** Concept ids, strictly ascending. */
  readonly nodeIds: Uint32Array;
  /** Episodes that hold the node, one a node. */
  readonly nodeCounts: Float32Array;
  /** Episodes that the counts stand for. */
  readonly episodes: number;
  /** Concept id of one end, one an edge. */
  readonly edgeA: Uint32Array;
  /** Concept id of the other end. */
  readonly edgeB: Uint32Array;
  /** Weight, one an edge. */
  readonly edgeWeights: Float32Array;
}

/**
 * A pairwise network over concepts in the 0/1 form: E(x) = -½ xᵀJx - bᵀx + ½ κ k(k - 1), x ∈ {0,1}ⁿ with k nodes on.
 * Symmetric, no self-edges, rows in CSR form. Nodes are named by their index 0..n-1 here; {@link ConceptNetwork.nodeIds} gives the concept.
 *
 * 0/1 and not ±1: episodes are sparse, so the energy and a flip touch the rows of active nodes only.
 */
export interface ConceptNetwork {
  readonly nodeIds: Uint32Array;
  /** Row of node i is entries rowStart[i] to rowStart[i + 1] of columns and couplings; n + 1 values. */
  readonly rowStart: Uint32Array;
  readonly columns: Uint32Array;
  /** Jᵢⱼ: log-odds that an active j adds to i, and i to j. */
  readonly couplings: Float32Array;
  /** bᵢ: log-odds of the node's share of episodes. */
  readonly bias: Float32Array;
  /** uᵢ: scale of the node, see scale.ts. */
  readonly scale: Float32Array;
  /** κ: log-odds that every active node takes from every other one. */
  readonly inhibition: number;
  /** Root mean square over nodes with edges of (Σⱼ Jᵢⱼ²)^½; 1 for a network without edges. The unit of T and E. */
  readonly rmsField: number;
}

/**
 * Log-odds of a coupling of partial correlation 1. With it the field of a concept changes sign about where its conditional
 * mean passes one half, for rare and common concepts alike.
 */
export const couplingGain = 8;

/**
 * Inhibition of every concept by every other. Couplings are mostly positive, and without it the state with everything on is
 * the deepest of all (Amari 1989); it weighs little among the tens of concepts of an episode, and much among hundreds.
 */
const inhibition = 0.02;

/**
 * Builds the network of a concept graph: Jᵢⱼ = 8 ρᵢⱼ, see scale.ts. Self-edges and edges of weight 0 are dropped.
 * @throws RangeError when arrays disagree in length, node ids are not strictly ascending, or an edge names no node
 */
export function buildNetwork(input: NetworkInput): ConceptNetwork {
  checkInput(input);
  const { nodeIds, edgeWeights } = input;
  const scale = Float32Array.from(input.nodeCounts, scaleOf);
  const edgeA = indicesOf(nodeIds, input.edgeA);
  const edgeB = indicesOf(nodeIds, input.edgeB);
  const couplings = edgeWeights.map(
    (weight, edge) => (couplingGain * weight) / weightScale(scale[edgeA[edge]!]!, scale[edgeB[edge]!]!),
  );
  const rows = rowsOf(nodeIds.length, { edgeA, edgeB, couplings });
  const bias = Float32Array.from(input.nodeCounts, (count) => logOdds(count, input.episodes));
  return { nodeIds, ...rows, bias, scale, inhibition, rmsField: rmsField(rows.rowStart, rows.couplings) };
}

/** Edges by node index. */
interface Couplings {
  readonly edgeA: Uint32Array;
  readonly edgeB: Uint32Array;
  readonly couplings: Float32Array;
}

function rowsOf(
  nodes: number,
  { edgeA, edgeB, couplings }: Couplings,
): Pick<ConceptNetwork, 'rowStart' | 'columns' | 'couplings'> {
  const used = (edge: number) => couplings[edge] !== 0 && edgeA[edge] !== edgeB[edge];
  const rowStart = new Uint32Array(nodes + 1);
  for (let edge = 0; edge < edgeA.length; edge++) {
    if (!used(edge)) continue;
    rowStart[edgeA[edge]! + 1]!++;
    rowStart[edgeB[edge]! + 1]!++;
  }
  for (let i = 0; i < nodes; i++) rowStart[i + 1]! += rowStart[i]!;

  const rows = { columns: new Uint32Array(rowStart[nodes]!), couplings: new Float32Array(rowStart[nodes]!) };
  const next = rowStart.slice();
  const put = (row: number, column: number, coupling: number) => {
    const at = next[row]!++;
    rows.columns[at] = column;
    rows.couplings[at] = coupling;
  };
  for (let edge = 0; edge < edgeA.length; edge++) {
    if (!used(edge)) continue;
    put(edgeA[edge]!, edgeB[edge]!, couplings[edge]!);
    put(edgeB[edge]!, edgeA[edge]!, couplings[edge]!);
  }
  return { rowStart, ...rows };
}

/** Log-odds of `count` in `episodes`, both raised by ½ (Haldane-Anscombe), so that 0 and all stay finite. */
export function logOdds(count: number, episodes: number): number {
  return Math.log((Math.max(count, 0) + 0.5) / (Math.max(episodes - count, 0) + 0.5));
}

/** Index of a concept in ascending ids, or -1. */
export function indexOf(nodeIds: Uint32Array, id: number): number {
  let low = 0;
  let high = nodeIds.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = nodeIds[middle]!;
    if (found === id) return middle;
    if (found < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function indicesOf(nodeIds: Uint32Array, ids: Uint32Array): Uint32Array {
  return ids.map((id) => {
    const index = indexOf(nodeIds, id);
    if (index < 0) throw new RangeError(`edge names concept ${id}, which is not a node`);
    return index;
  });
}

function rmsField(rowStart: Uint32Array, couplings: Float32Array): number {
  let connected = 0;
  for (let i = 0; i + 1 < rowStart.length; i++) if (rowStart[i + 1]! > rowStart[i]!) connected++;
  if (connected === 0) return 1;
  let sum = 0;
  for (const coupling of couplings) sum += coupling * coupling;
  return Math.sqrt(sum / connected);
}

function checkInput(input: NetworkInput): void {
  const { nodeIds, nodeCounts, edgeA, edgeB, edgeWeights } = input;
  if (nodeCounts.length !== nodeIds.length) throw new RangeError('nodeCounts must have one value a node');
  if (edgeB.length !== edgeA.length || edgeWeights.length !== edgeA.length) {
    throw new RangeError('edgeA, edgeB and edgeWeights must have one length');
  }
  for (let i = 1; i < nodeIds.length; i++) {
    if (nodeIds[i]! <= nodeIds[i - 1]!) throw new RangeError('nodeIds must be strictly ascending');
  }
}
