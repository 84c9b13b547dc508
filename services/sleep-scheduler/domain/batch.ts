import type { SparseVector } from '../../common/activations/activations.js';
import type { ConceptGraph } from './learn-types.js';

/** Concepts of an episode that are learned from: its strongest, so that the work for one episode stays bounded. */
const strongestPerEpisode = 128;

/** The nodes of a graph together with those of a batch; nodes are named by index from here on. */
export interface Batch {
  /** Ascending. */
  readonly nodeIds: Uint32Array;
  /** Episodes that held the node before the batch. */
  readonly oldCounts: Float32Array;
  /** Episodes of the batch that hold it; 0 in a rehearsal, where they are among the old ones. */
  readonly addedCounts: Float32Array;
  readonly nodeCounts: Float32Array;
  /** Episodes that the node counts stand for. */
  readonly episodes: number;
  /** Of those, from this batch. */
  readonly addedEpisodes: number;
  /** The strongest concepts of each episode, ascending. */
  readonly active: readonly Uint32Array[];
}

/**
 * Puts a batch beside a graph.
 * @param rehearsal true when the graph counts these episodes already
 */
export function batchOf(graph: ConceptGraph, episodes: readonly SparseVector[], rehearsal: boolean): Batch {
  const nodeIds = union(graph.nodeIds, episodes);
  const indexOf = indexer(nodeIds);
  const oldCounts = new Float32Array(nodeIds.length);
  graph.nodeIds.forEach((id, k) => (oldCounts[indexOf(id)] = graph.nodeCounts[k]!));
  const addedCounts = new Float32Array(nodeIds.length);
  if (!rehearsal) for (const { ids } of episodes) for (const id of ids) addedCounts[indexOf(id)]!++;
  const addedEpisodes = rehearsal ? 0 : episodes.length;
  return {
    nodeIds,
    oldCounts,
    addedCounts,
    nodeCounts: oldCounts.map((count, i) => count + addedCounts[i]!),
    episodes: graph.episodes + addedEpisodes,
    addedEpisodes,
    active: episodes.map((episode) => strongest(episode).map(indexOf).sort()),
  };
}

/** From concept id to its place in ascending ids, all of which it must be asked for. */
export function indexer(nodeIds: Uint32Array): (id: number) => number {
  const indices = new Map<number, number>();
  nodeIds.forEach((id, index) => indices.set(id, index));
  return (id) => indices.get(id)!;
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
