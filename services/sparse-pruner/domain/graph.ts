/**
 * A concept graph, or a change to one, as parallel arrays in coordinate form.
 *
 * Node ids are strictly ascending; edges have a < b and are strictly ascending by (a, b). Graphs are never written to
 * after they are made: every change makes a new one, so that readers of an older version need no lock.
 *
 * In a graph: counts are above 0, weights are other than 0, support is 0 or more, and both ends of every edge are nodes.
 * In a change: all values may have either sign.
 */
export interface Graph {
  /** Concept ids. */
  readonly nodeIds: Uint32Array;
  /** Episodes that hold the node. */
  readonly nodeCounts: Float32Array;
  /** Lower concept id. */
  readonly edgeA: Uint32Array;
  /** Higher concept id. */
  readonly edgeB: Uint32Array;
  /** Learned weight. */
  readonly edgeWeights: Float32Array;
  /** Episodes that hold both ends, as far as they were counted since the edge came in. */
  readonly edgeSupport: Float32Array;
}

/** Allocates arrays of zeros for a graph. */
export function allocateGraph(nodes: number, edges: number): Graph {
  return {
    nodeIds: new Uint32Array(nodes),
    nodeCounts: new Float32Array(nodes),
    edgeA: new Uint32Array(edges),
    edgeB: new Uint32Array(edges),
    edgeWeights: new Float32Array(edges),
    edgeSupport: new Float32Array(edges),
  };
}

/** The graph of version 0. */
export const emptyGraph: Graph = allocateGraph(0, 0);

/** A range of nodes and of edges of a graph, as views. */
export function sliceGraph(
  graph: Graph,
  nodes: readonly [from: number, to: number],
  edges: readonly [from: number, to: number],
): Graph {
  return {
    nodeIds: graph.nodeIds.subarray(...nodes),
    nodeCounts: graph.nodeCounts.subarray(...nodes),
    edgeA: graph.edgeA.subarray(...edges),
    edgeB: graph.edgeB.subarray(...edges),
    edgeWeights: graph.edgeWeights.subarray(...edges),
    edgeSupport: graph.edgeSupport.subarray(...edges),
  };
}

/** Nodes, and edges, of one part of a graph that is streamed or stored. */
export const partLength = 65_536;

/** Cuts a graph into parts of at most {@link partLength} nodes and edges; an empty graph is one empty part. */
export function* partsOf(graph: Graph): Generator<Graph> {
  const parts = Math.max(1, Math.ceil(Math.max(graph.nodeIds.length, graph.edgeA.length) / partLength));
  for (let part = 0; part < parts; part++) {
    const range = [part * partLength, (part + 1) * partLength] as const;
    yield sliceGraph(graph, range, range);
  }
}

/** Puts parts together in their order. */
export function joinParts(parts: readonly Graph[]): Graph {
  const joined = allocateGraph(
    parts.reduce((sum, part) => sum + part.nodeIds.length, 0),
    parts.reduce((sum, part) => sum + part.edgeA.length, 0),
  );
  let node = 0;
  let edge = 0;
  for (const part of parts) {
    joined.nodeIds.set(part.nodeIds, node);
    joined.nodeCounts.set(part.nodeCounts, node);
    joined.edgeA.set(part.edgeA, edge);
    joined.edgeB.set(part.edgeB, edge);
    joined.edgeWeights.set(part.edgeWeights, edge);
    joined.edgeSupport.set(part.edgeSupport, edge);
    node += part.nodeIds.length;
    edge += part.edgeA.length;
  }
  return joined;
}

/** Whether an id is in a strictly ascending array: binary search. */
export function includesSorted(ids: Uint32Array, id: number): boolean {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id;
}

/** Edges over the edges that so many nodes could have; 0 below two nodes. */
export function density(nodes: number, edges: number): number {
  return nodes < 2 ? 0 : edges / ((nodes * (nodes - 1)) / 2);
}
