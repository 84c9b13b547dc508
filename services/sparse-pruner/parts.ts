import type { Graph } from './domain/graph.js';

const headerBytes = 8;
const bytesPerNode = 8;
const bytesPerEdge = 16;

/** Size of a graph on disk, in bytes. */
export function storedBytes(graph: Graph): number {
  return headerBytes + graph.nodeIds.length * bytesPerNode + graph.edgeA.length * bytesPerEdge;
}

/** A graph as one value on disk: u32 nodes, u32 edges, then its arrays in the order of the interface, little-endian. */
export function encodeStored(graph: Graph): Buffer {
  const { nodeIds, nodeCounts, edgeA, edgeB, edgeWeights, edgeSupport } = graph;
  const header = Uint32Array.of(nodeIds.length, edgeA.length);
  const arrays = [header, nodeIds, nodeCounts, edgeA, edgeB, edgeWeights, edgeSupport];
  return Buffer.concat(
    arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)),
    storedBytes(graph),
  );
}

/** Reads {@link encodeStored}'s form into arrays of its own: the bytes may be gone after the read transaction. */
export function decodeStored(bytes: Uint8Array): Graph {
  const { buffer } = bytes.slice();
  const [nodes = 0, edges = 0] = new Uint32Array(buffer, 0, 2);
  let offset = headerBytes;
  const take = <T>(
    array: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
    length: number,
  ) => {
    const view = new array(buffer, offset, length);
    offset += length * 4;
    return view;
  };
  return {
    nodeIds: take(Uint32Array, nodes),
    nodeCounts: take(Float32Array, nodes),
    edgeA: take(Uint32Array, edges),
    edgeB: take(Uint32Array, edges),
    edgeWeights: take(Float32Array, edges),
    edgeSupport: take(Float32Array, edges),
  };
}
