import { allocateGraph, type Graph } from './graph.js';

/**
 * Proximal step of the L1 norm on every edge: w <- sign(w) max(|w| - tau, 0), the shrinkage of ISTA (Daubechies,
 * Defrise and De Mol 2004, eq. 2.7). An edge that becomes 0 leaves with all that belongs to it, its support included,
 * so that memory follows the number of living edges. Nodes stay: their counts are the popularity baseline.
 * @param tau threshold, 0 or above
 * @returns a new graph; nodes are shared with the old one
 */
export function softThreshold(graph: Graph, tau: number): Graph {
  const shrunk = shrink(graph.edgeWeights, tau);
  let edges = 0;
  for (const weight of shrunk) if (weight !== 0) edges++;
  const kept = allocateGraph(0, edges);
  for (let k = 0, next = 0; k < shrunk.length; k++) {
    if (shrunk[k] === 0) continue;
    kept.edgeA[next] = graph.edgeA[k]!;
    kept.edgeB[next] = graph.edgeB[k]!;
    kept.edgeWeights[next] = shrunk[k]!;
    kept.edgeSupport[next++] = graph.edgeSupport[k]!;
  }
  return { ...kept, nodeIds: graph.nodeIds, nodeCounts: graph.nodeCounts };
}

/** What {@link softThreshold} would leave and remove. */
export interface PruneForecast {
  readonly edgesAfter: number;
  /** Indices of edges that would go, heaviest first; equal weights in order of their ends. */
  readonly heaviest: Uint32Array;
}

/** Tells what a prune would do, with at most `examples` of the edges that would go. Changes nothing. */
export function forecastPrune(graph: Graph, tau: number, examples: number): PruneForecast {
  const shrunk = shrink(graph.edgeWeights, tau);
  const going = new Uint32Array(shrunk.length);
  let count = 0;
  for (let k = 0; k < shrunk.length; k++) if (shrunk[k] === 0) going[count++] = k;
  const heaviest = heaviestOf(graph.edgeWeights, going.subarray(0, count), examples);
  return { edgesAfter: shrunk.length - count, heaviest };
}

function shrink(weights: Float32Array, tau: number): Float32Array {
  const shrunk = new Float32Array(weights.length);
  for (let k = 0; k < weights.length; k++) {
    const weight = weights[k]!;
    if (weight > tau) shrunk[k] = weight - tau;
    else if (weight < -tau) shrunk[k] = weight + tau;
  }
  return shrunk;
}

/** The `limit` heaviest of some edges. A numeric sort finds the lightest weight that counts, so that few are compared. */
function heaviestOf(weights: Float32Array, edges: Uint32Array, limit: number): Uint32Array {
  if (limit === 0) return new Uint32Array(0);
  const magnitude = (k: number) => Math.abs(weights[k]!);
  const ascending = Float32Array.from(edges, magnitude).sort();
  const lightest = ascending[Math.max(0, ascending.length - limit)] ?? 0;
  const heavier = edges
    .filter((k) => magnitude(k) > lightest)
    .sort((i, j) => magnitude(j) - magnitude(i) || i - j);
  const ties = edges.filter((k) => magnitude(k) === lightest).subarray(0, limit - heavier.length);
  return Uint32Array.of(...heavier, ...ties);
}
