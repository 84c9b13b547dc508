import type { SparseVector } from '../common/activations/activations.js';
import { completeCue, type Completion } from '../common/network/complete.js';
import { buildNetwork, type ConceptNetwork } from '../common/network/network.js';
import { includesSorted } from './domain/graph.js';
import type { Graphs, Snapshot } from './graphs.js';

/** Completes cues with the graph in force. */
export interface Completer {
  /**
   * Concepts that belong to a cue, strongest first, and the version that was used. Concepts of the cue that the graph
   * does not know are ignored; a cue of none but such is answered by nothing.
   */
  complete(tenant: string, cue: SparseVector, limit: number): { completion: Completion; version: number };
}

const nothing: Completion = { concepts: [], energyStart: 0, energyEnd: 0, settleLoops: 0 };

/** Creates a completer. A version's network is built at its first cue and lives as long as the version is in memory. */
export function createCompleter(graphs: Graphs): Completer {
  const networks = new WeakMap<Snapshot, ConceptNetwork>();
  const networkOf = (snapshot: Snapshot) => {
    const network =
      networks.get(snapshot) ?? buildNetwork({ ...snapshot.graph, episodes: snapshot.record.episodes });
    networks.set(snapshot, network);
    return network;
  };
  return {
    complete(tenant, cue, limit) {
      const snapshot = graphs.snapshot(tenant, 0);
      const { version } = snapshot.record;
      const known = cue.ids.some((id) => includesSorted(snapshot.graph.nodeIds, id));
      return { completion: known ? completeCue(networkOf(snapshot), cue, limit) : nothing, version };
    },
  };
}
