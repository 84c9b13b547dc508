import type { GraphChunk } from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { decodeF32, decodeU32, encodeF32, encodeU32 } from '../common/activations/activations.js';
import type { ConceptGraph, GraphDelta } from './domain/learn-types.js';
import type { Peers } from './peers.js';

/** A graph with where it stands in the pruner. */
export interface GraphHead {
  readonly version: number;
  /** Last vault sequence that is part of it. */
  readonly cursor: number;
  readonly graph: ConceptGraph;
}

const edgesPerPart = 65_536;

/** Reads the graph of a tenant; the last one read is kept, because most cycles follow each other. */
export class GraphSource {
  readonly #peers: Peers;
  readonly #kept = new Map<string, GraphHead>();

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  async head(tenant: string, signal: AbortSignal): Promise<GraphHead> {
    const { version } = await this.#peers.pruner.getGraphStats({ tenant }, { signal });
    const kept = this.#kept.get(tenant);
    if (kept?.version === version) return kept;
    const head = await this.#stream(tenant, signal);
    this.#kept.clear();
    this.#kept.set(tenant, head);
    return head;
  }

  async #stream(tenant: string, signal: AbortSignal): Promise<GraphHead> {
    const chunks: GraphChunk[] = [];
    let version = 0;
    let cursor = 0;
    let episodes = 0;
    for await (const part of this.#peers.pruner.streamGraph({ tenant, version: 0 }, { signal })) {
      ({ version, cursor, episodes } = part);
      if (part.chunk !== undefined) chunks.push(part.chunk);
    }
    const ids = (field: 'nodeIds' | 'edgeA' | 'edgeB') =>
      joinU32(chunks.map((chunk) => decodeU32(chunk[field], field)));
    const numbers = (field: 'nodeCounts' | 'edgeWeights' | 'edgeSupport') =>
      joinF32(chunks.map((chunk) => decodeF32(chunk[field], field)));
    const graph: ConceptGraph = {
      episodes,
      nodeIds: ids('nodeIds'),
      nodeCounts: numbers('nodeCounts'),
      edgeA: ids('edgeA'),
      edgeB: ids('edgeB'),
      edgeWeights: numbers('edgeWeights'),
      edgeSupport: numbers('edgeSupport'),
    };
    return { version, cursor, graph };
  }
}

/** A delta in parts small enough for a message; nodes go with the first. */
export function* deltaChunks(delta: GraphDelta): Generator<GraphChunk> {
  for (let start = 0; start === 0 || start < delta.edgeA.length; start += edgesPerPart) {
    const end = start + edgesPerPart;
    const first = start === 0;
    yield {
      nodeIds: encodeU32(first ? delta.nodeIds : new Uint32Array()),
      nodeCounts: encodeF32(first ? delta.nodeCounts : new Float32Array()),
      edgeA: encodeU32(delta.edgeA.subarray(start, end)),
      edgeB: encodeU32(delta.edgeB.subarray(start, end)),
      edgeWeights: encodeF32(delta.edgeWeights.subarray(start, end)),
      edgeSupport: encodeF32(delta.edgeSupport.subarray(start, end)),
    };
  }
}

function joinU32(parts: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function joinF32(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
