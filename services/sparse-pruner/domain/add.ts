import { allocateGraph, includesSorted, sliceGraph, type Graph } from './graph.js';

/**
 * Adds a change to a graph and returns the sum as a new graph: counts, weights and support add up.
 *
 * - A node whose count falls to 0 or below leaves, and takes its edges along: no episode holds it any more.
 * - An edge whose weight becomes 0 leaves, and so does one whose support the change takes down to 0 or below.
 * - An edge that is not in the graph comes in only with |weight| > `newEdgeAbove`. This is how a change is rebased over
 *   a prune: what pruning has removed since stays removed, unless the added weight alone would have survived it.
 *
 * Both ends of every edge of the change must be nodes of the graph or of the change; see {@link danglingEdge}.
 * O(nodes + edges) of both.
 */
export function addGraph(graph: Graph, change: Graph, newEdgeAbove: number): Graph {
  const sum = allocateGraph(
    graph.nodeIds.length + change.nodeIds.length,
    graph.edgeA.length + change.edgeA.length,
  );
  const { kept: nodes, left } = addNodes(graph, change, sum);
  const merged = addEdges(graph, change, newEdgeAbove, sum);
  const edges = left ? dropEdgesWithoutNodes(sum, nodes, merged) : merged;
  return sliceGraph(sum, [0, nodes], [0, edges]);
}

/** Index of the first edge of a change with an end that is a node of neither graph nor change, or -1. */
export function danglingEdge(graph: Graph, change: Graph): number {
  const known = (id: number) => includesSorted(graph.nodeIds, id) || includesSorted(change.nodeIds, id);
  for (let k = 0; k < change.edgeA.length; k++) {
    if (!known(change.edgeA[k]!) || !known(change.edgeB[k]!)) return k;
  }
  return -1;
}

/** Merges nodes into `sum`; tells how many it kept and whether any left. */
function addNodes(graph: Graph, change: Graph, sum: Graph): { kept: number; left: boolean } {
  let kept = 0;
  let left = false;
  const put = (id: number, count: number) => {
    sum.nodeIds[kept] = id;
    sum.nodeCounts[kept] = count;
    if (sum.nodeCounts[kept]! > 0) kept++;
    else left = true;
  };
  let i = 0;
  for (let j = 0; j < change.nodeIds.length; j++) {
    const id = change.nodeIds[j]!;
    for (; i < graph.nodeIds.length && graph.nodeIds[i]! < id; i++) {
      put(graph.nodeIds[i]!, graph.nodeCounts[i]!);
    }
    const count = graph.nodeIds[i] === id ? graph.nodeCounts[i++]! : 0;
    put(id, count + change.nodeCounts[j]!);
  }
  sum.nodeIds.set(graph.nodeIds.subarray(i), kept);
  sum.nodeCounts.set(graph.nodeCounts.subarray(i), kept);
  return { kept: kept + graph.nodeIds.length - i, left };
}

/** Merges edges into `sum` and returns how many it kept. */
function addEdges(graph: Graph, change: Graph, newEdgeAbove: number, sum: Graph): number {
  let kept = 0;
  let i = 0;
  for (let j = 0; j < change.edgeA.length; j++) {
    const a = change.edgeA[j]!;
    const b = change.edgeB[j]!;
    for (; isBefore(graph, i, a, b); i++) copyEdge(graph, i, sum, kept++);
    const found = graph.edgeA[i] === a && graph.edgeB[i] === b;
    copyEdge(change, j, sum, kept);
    if (found) {
      sum.edgeWeights[kept]! += graph.edgeWeights[i]!;
      sum.edgeSupport[kept]! += graph.edgeSupport[i]!;
      i++;
    }
    if (stays(sum, kept, found ? 0 : newEdgeAbove, change.edgeSupport[j]!)) kept++;
  }
  const rest = sliceGraph(graph, [0, 0], [i, graph.edgeA.length]);
  sum.edgeA.set(rest.edgeA, kept);
  sum.edgeB.set(rest.edgeB, kept);
  sum.edgeWeights.set(rest.edgeWeights, kept);
  sum.edgeSupport.set(rest.edgeSupport, kept);
  return kept + rest.edgeA.length;
}

/** Whether a summed edge belongs to the graph; support below 0 is raised to 0. */
function stays(sum: Graph, k: number, weightAbove: number, addedSupport: number): boolean {
  const support = sum.edgeSupport[k]!;
  if (support < 0) sum.edgeSupport[k] = 0;
  const forgotten = addedSupport < 0 && support <= 0;
  return !forgotten && Math.abs(sum.edgeWeights[k]!) > weightAbove;
}

/** Closes the gaps that nodes which left have made among the first `edges` edges; returns how many stay. */
function dropEdgesWithoutNodes(sum: Graph, nodes: number, edges: number): number {
  const ids = sum.nodeIds.subarray(0, nodes);
  let kept = 0;
  for (let k = 0; k < edges; k++) {
    if (includesSorted(ids, sum.edgeA[k]!) && includesSorted(ids, sum.edgeB[k]!)) {
      copyEdge(sum, k, sum, kept++);
    }
  }
  return kept;
}

function isBefore(graph: Graph, i: number, a: number, b: number): boolean {
  if (i >= graph.edgeA.length) return false;
  return graph.edgeA[i]! < a || (graph.edgeA[i] === a && graph.edgeB[i]! < b);
}

function copyEdge(from: Graph, i: number, to: Graph, k: number): void {
  to.edgeA[k] = from.edgeA[i]!;
  to.edgeB[k] = from.edgeB[i]!;
  to.edgeWeights[k] = from.edgeWeights[i]!;
  to.edgeSupport[k] = from.edgeSupport[i]!;
}
