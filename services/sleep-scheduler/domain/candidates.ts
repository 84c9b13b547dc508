import type { SparseVector } from '../../common/activations/activations.js';
import type { ConceptGraph } from './learn-types.js';

/** Concepts of an episode that take part in learning: its strongest, so that a long episode cannot crowd the graph. */
const strongestPerEpisode = 32;
/** Episodes that must hold a pair before it becomes an edge: a pair seen once is a coincidence. */
const fewestTogether = 2;

/** Nodes and edges of a graph together with what a batch adds, by index; edges of the old graph come first. */
export interface Candidates {
  /** Ascending. */
  readonly nodeIds: Uint32Array;
  /** Episodes of the batch that hold the node. */
  readonly addedCounts: Float32Array;
  /** Old counts and added ones. */
  readonly nodeCounts: Float32Array;
  readonly episodes: number;
  /** Episodes of the batch that are new. */
  readonly addedEpisodes: number;
  /** Node indices of each edge, a < b. */
  readonly edgeA: Uint32Array;
  readonly edgeB: Uint32Array;
  readonly addedSupport: Float32Array;
  /** Old support and added one. */
  readonly support: Float32Array;
  /** Edges that the old graph has. */
  readonly oldEdges: number;
  /** The strongest concepts of each episode as ascending node indices. */
  readonly active: readonly Uint32Array[];
}

/**
 * The candidate edges of a batch: pairs of concepts that were seen together, beside the edges that are there.
 * @param rehearsal true when the graph counts these episodes already
 */
export function candidatesOf(
  graph: ConceptGraph,
  episodes: readonly SparseVector[],
  rehearsal: boolean,
): Candidates {
  const nodeIds = union(graph.nodeIds, episodes);
  const indexOf = new Map<number, number>();
  nodeIds.forEach((id, index) => indexOf.set(id, index));
  const addedCounts = new Float32Array(nodeIds.length);
  if (!rehearsal) for (const { ids } of episodes) for (const id of ids) addedCounts[indexOf.get(id)!]!++;
  const nodeCounts = addedCounts.slice();
  graph.nodeIds.forEach((id, k) => (nodeCounts[indexOf.get(id)!]! += graph.nodeCounts[k]!));
  const active = episodes.map((episode) =>
    Uint32Array.from(strongest(episode), (id) => indexOf.get(id)!).sort(),
  );
  const edges = collectEdges(graph, active, { indexOf, nodes: nodeIds.length, rehearsal });
  return {
    nodeIds,
    addedCounts,
    nodeCounts,
    episodes: graph.episodes + (rehearsal ? 0 : episodes.length),
    addedEpisodes: rehearsal ? 0 : episodes.length,
    active,
    ...edges,
  };
}

interface Space {
  readonly indexOf: ReadonlyMap<number, number>;
  readonly nodes: number;
  readonly rehearsal: boolean;
}

function collectEdges(graph: ConceptGraph, active: readonly Uint32Array[], space: Space) {
  const { indexOf, nodes, rehearsal } = space;
  const together = countPairs(active, nodes);
  const oldEdges = graph.edgeA.length;
  const ends: number[] = [];
  const support: number[] = [];
  const added: number[] = [];
  for (let edge = 0; edge < oldEdges; edge++) {
    const a = indexOf.get(graph.edgeA[edge]!)!;
    const b = indexOf.get(graph.edgeB[edge]!)!;
    const key = a * nodes + b;
    const seen = together.get(key) ?? 0;
    together.delete(key);
    ends.push(a, b);
    added.push(rehearsal ? 0 : seen);
    support.push(graph.edgeSupport[edge]! + (rehearsal ? 0 : seen));
  }
  for (const [key, seen] of together) {
    if (seen < fewestTogether) continue;
    ends.push(Math.floor(key / nodes), key % nodes);
    added.push(seen);
    support.push(seen);
  }
  return {
    edgeA: Uint32Array.from({ length: support.length }, (_, edge) => ends[2 * edge]!),
    edgeB: Uint32Array.from({ length: support.length }, (_, edge) => ends[2 * edge + 1]!),
    addedSupport: Float32Array.from(added),
    support: Float32Array.from(support),
    oldEdges,
  };
}

/** How many episodes hold each pair; the key of a pair of indices a < b is a · nodes + b. */
function countPairs(active: readonly Uint32Array[], nodes: number): Map<number, number> {
  const together = new Map<number, number>();
  for (const indices of active) {
    for (let i = 0; i < indices.length; i++) {
      const row = indices[i]! * nodes;
      for (let j = i + 1; j < indices.length; j++) {
        const key = row + indices[j]!;
        together.set(key, (together.get(key) ?? 0) + 1);
      }
    }
  }
  return together;
}

function strongest({ ids, values }: SparseVector): Uint32Array {
  if (ids.length <= strongestPerEpisode) return ids;
  const order = Uint32Array.from(ids.keys()).sort((i, j) => values[j]! - values[i]! || i - j);
  return order.subarray(0, strongestPerEpisode).map((k) => ids[k]!);
}

function union(ids: Uint32Array, episodes: readonly SparseVector[]): Uint32Array {
  const all = new Set<number>(ids);
  for (const episode of episodes) for (const id of episode.ids) all.add(id);
  return Uint32Array.from(all).sort();
}
