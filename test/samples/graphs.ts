import fc from 'fast-check';
import { allocateGraph, type Graph } from '../../services/sparse-pruner/domain/graph.js';
import { sortGraph } from '../../services/sparse-pruner/domain/order.js';

/** A graph as plain data, for comparison: counts by id, [weight, support] by `a-b`. */
export interface GraphContent {
  nodes: Record<string, number>;
  edges: Record<string, [weight: number, support: number]>;
}

/** Builds a graph or a change from plain data. */
export function graphOf(nodes: GraphContent['nodes'], edges: GraphContent['edges']): Graph {
  const graph = allocateGraph(Object.keys(nodes).length, Object.keys(edges).length);
  Object.entries(nodes).forEach(([id, count], k) => {
    graph.nodeIds[k] = Number(id);
    graph.nodeCounts[k] = count;
  });
  Object.entries(edges).forEach(([ends, [weight, support]], k) => {
    [graph.edgeA[k], graph.edgeB[k]] = ends.split('-').map(Number) as [number, number];
    graph.edgeWeights[k] = weight;
    graph.edgeSupport[k] = support;
  });
  return sortGraph(graph);
}

/** The plain data of a graph. */
export function contentOf(graph: Graph): GraphContent {
  return {
    nodes: Object.fromEntries(Array.from(graph.nodeIds, (id, k) => [id, graph.nodeCounts[k]!])),
    edges: Object.fromEntries(
      Array.from(graph.edgeA, (a, k) => [
        `${a}-${graph.edgeB[k]!}`,
        [graph.edgeWeights[k]!, graph.edgeSupport[k]!],
      ]),
    ),
  };
}

const ids = 8;
const weight = fc.float({ min: -1, max: 1, noNaN: true });

function arbitrary(least: number, weights: fc.Arbitrary<number>) {
  const nodes = fc.tuple(...Array.from({ length: ids }, () => fc.integer({ min: least, max: 6 })));
  const edge = fc.record({
    a: fc.integer({ min: 0, max: ids - 2 }),
    span: fc.integer({ min: 1, max: ids - 1 }),
    weight: weights,
    support: fc.integer({ min: Math.min(0, least), max: 4 }),
  });
  return fc
    .tuple(nodes, fc.array(edge, { maxLength: 20 }))
    .map(([counts, edges]) =>
      graphOf(
        Object.fromEntries(counts.map((count, id) => [id, count])),
        Object.fromEntries(
          edges.map(({ a, span, weight, support }) => [
            `${a}-${Math.min(ids - 1, a + span)}`,
            [weight, support],
          ]),
        ),
      ),
    );
}

/** Small graphs. */
export const anyGraph = arbitrary(
  1,
  weight.filter((w) => w !== 0),
);

/** Small changes over the same ids; some take nodes, edges and support away. */
export const anyChange = arbitrary(-6, weight);

/** A random graph over ids 0 to nodes - 1 in which every edge has the same chance; `random` gives values in [0, 1). */
export function randomGraph(nodes: number, edges: number, random: () => number): Graph {
  const chance = edges / ((nodes * (nodes - 1)) / 2);
  const graph = allocateGraph(nodes, edges);
  graph.nodeIds.forEach((_, k) => {
    graph.nodeIds[k] = k;
    graph.nodeCounts[k] = 1 + Math.floor(random() * 100);
  });
  // Gaps between the edges of a sparse random graph are geometric (Batagelj and Brandes 2005).
  let [a, b, k] = [0, 0, 0];
  while (k < edges) {
    b += 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - chance));
    while (b >= nodes && a < nodes) b += ++a + 1 - nodes;
    if (a >= nodes - 1) break;
    graph.edgeA[k] = a;
    graph.edgeB[k] = b;
    graph.edgeWeights[k] = (random() - 0.5) / 10 || 0.01;
    graph.edgeSupport[k++] = 1 + Math.floor(random() * 9);
  }
  return sortGraph({
    ...graph,
    edgeA: graph.edgeA.subarray(0, k),
    edgeB: graph.edgeB.subarray(0, k),
    edgeWeights: graph.edgeWeights.subarray(0, k),
    edgeSupport: graph.edgeSupport.subarray(0, k),
  });
}
