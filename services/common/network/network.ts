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
 * A pairwise network over concepts in the 0/1 form: E(x) = -½ xᵀWx - bᵀx, x ∈ {0,1}ⁿ. Symmetric, no self-edges, rows in
 * CSR form. Nodes are named by their index 0..n-1 here; {@link ConceptNetwork.nodeIds} gives the concept.
 */
export interface ConceptNetwork {
  readonly nodeIds: Uint32Array;
  /** Row of node i is entries rowStart[i] to rowStart[i + 1] of columns and weights; n + 1 values. */
  readonly rowStart: Uint32Array;
  readonly columns: Uint32Array;
  readonly weights: Float32Array;
  /** Log-odds of the node's share of episodes. */
  readonly bias: Float32Array;
  /** Root mean square over nodes with edges of (Σⱼ Wᵢⱼ²)^½; 1 for a network without edges. The unit of T and E. */
  readonly rmsField: number;
}

/**
 * Builds the network. Self-edges and edges of weight 0 are dropped.
 * @throws RangeError when arrays disagree in length, node ids are not strictly ascending, or an edge names no node
 */
export function buildNetwork(input: NetworkInput): ConceptNetwork {
  checkInput(input);
  const { nodeIds, edgeA, edgeB, edgeWeights } = input;
  const n = nodeIds.length;
  const ends = { a: indicesOf(nodeIds, edgeA), b: indicesOf(nodeIds, edgeB) };
  const used = (edge: number) => edgeWeights[edge] !== 0 && ends.a[edge] !== ends.b[edge];

  const rowStart = new Uint32Array(n + 1);
  for (let edge = 0; edge < edgeA.length; edge++) {
    if (!used(edge)) continue;
    rowStart[ends.a[edge]! + 1]!++;
    rowStart[ends.b[edge]! + 1]!++;
  }
  for (let i = 0; i < n; i++) rowStart[i + 1]! += rowStart[i]!;

  const columns = new Uint32Array(rowStart[n]!);
  const weights = new Float32Array(rowStart[n]!);
  const next = rowStart.slice();
  const put = (row: number, column: number, weight: number) => {
    const at = next[row]!++;
    columns[at] = column;
    weights[at] = weight;
  };
  for (let edge = 0; edge < edgeA.length; edge++) {
    if (!used(edge)) continue;
    put(ends.a[edge]!, ends.b[edge]!, edgeWeights[edge]!);
    put(ends.b[edge]!, ends.a[edge]!, edgeWeights[edge]!);
  }
  const bias = Float32Array.from(input.nodeCounts, (count) => logOdds(count, input.episodes));
  return { nodeIds, rowStart, columns, weights, bias, rmsField: rmsField(rowStart, weights) };
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

function rmsField(rowStart: Uint32Array, weights: Float32Array): number {
  let connected = 0;
  for (let i = 0; i + 1 < rowStart.length; i++) if (rowStart[i + 1]! > rowStart[i]!) connected++;
  if (connected === 0) return 1;
  let sum = 0;
  for (const weight of weights) sum += weight * weight;
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
