import type { GraphChunk } from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { decodeF32, decodeU32, encodeF32, encodeU32 } from '../common/activations/activations.js';
import { invalidArgument, ServiceError } from '../common/errors.js';
import { emptyGraph, joinParts, type Graph } from './domain/graph.js';
import { firstRepeated, sortGraph } from './domain/order.js';

/** What the values of a streamed graph may be. */
export interface ValueRules {
  readonly counts: ValueRule;
  readonly support: ValueRule;
}

interface ValueRule {
  readonly accepts: (value: number) => boolean;
  readonly accepted: string;
}

// Far above any count or weight, and so far below the f32 maximum that no sum of accepted values overflows.
const limit = 1e9;
const anyValue: ValueRule = {
  accepts: (value) => Math.abs(value) <= limit,
  accepted: `a finite number of magnitude at most ${limit}`,
};
const positive: ValueRule = {
  accepts: (value) => value > 0 && value <= limit,
  accepted: `a number above 0, at most ${limit}`,
};
const notNegative: ValueRule = {
  accepts: (value) => value >= 0 && value <= limit,
  accepted: `a number from 0 to ${limit}`,
};

/** A change may take away. */
export const changeRules: ValueRules = { counts: anyValue, support: anyValue };

/** A graph holds totals. */
export const graphRules: ValueRules = { counts: positive, support: notNegative };

// One gigabyte in memory: more is a mistake of the caller, not a graph.
const maxNodes = 16 * 1024 * 1024;
const maxEdges = 64 * 1024 * 1024;

/** The wire form of a part of a graph, without a copy. */
export function encodeChunk(graph: Graph): GraphChunk {
  return {
    nodeIds: encodeU32(graph.nodeIds),
    nodeCounts: encodeF32(graph.nodeCounts),
    edgeA: encodeU32(graph.edgeA),
    edgeB: encodeU32(graph.edgeB),
    edgeWeights: encodeF32(graph.edgeWeights),
    edgeSupport: encodeF32(graph.edgeSupport),
  };
}

/**
 * Reads a client stream of parts to its end and puts them together, in order of ids.
 * @returns the first part, whose header counts, and the whole
 * @throws INVALID_ARGUMENT naming part, array, index and value when lengths disagree, a value breaks its rule, an edge
 * is not a < b, or a node or an edge appears twice; RESOURCE_EXHAUSTED when there is more than any graph holds
 */
export async function readChunks<Part extends { readonly chunk?: GraphChunk | undefined }>(
  parts: AsyncIterable<Part>,
  rules: ValueRules,
): Promise<{ first: Part; graph: Graph }> {
  const chunks: Graph[] = [];
  const size = { nodes: 0, edges: 0 };
  let first: Part | undefined;
  for await (const part of parts) {
    first ??= part;
    const chunk = decodeChunk(part.chunk, rules, `parts[${chunks.length}].chunk`);
    size.nodes += chunk.nodeIds.length;
    size.edges += chunk.edgeA.length;
    refuseExcess(size);
    chunks.push(chunk);
  }
  if (first === undefined) throw invalidArgument('parts', 'an empty stream', 'at least one part');
  const graph = sortGraph(joinParts(chunks));
  refuseRepeated(graph);
  return { first, graph };
}

function decodeChunk(chunk: GraphChunk | undefined, rules: ValueRules, field: string): Graph {
  if (chunk === undefined) return emptyGraph;
  const graph: Graph = {
    nodeIds: decodeU32(chunk.nodeIds, `${field}.node_ids`),
    nodeCounts: decodeF32(chunk.nodeCounts, `${field}.node_counts`),
    edgeA: decodeU32(chunk.edgeA, `${field}.edge_a`),
    edgeB: decodeU32(chunk.edgeB, `${field}.edge_b`),
    edgeWeights: decodeF32(chunk.edgeWeights, `${field}.edge_weights`),
    edgeSupport: decodeF32(chunk.edgeSupport, `${field}.edge_support`),
  };
  checkLength(graph.nodeCounts, graph.nodeIds.length, `${field}.node_counts`);
  checkLength(graph.edgeB, graph.edgeA.length, `${field}.edge_b`);
  checkLength(graph.edgeWeights, graph.edgeA.length, `${field}.edge_weights`);
  checkLength(graph.edgeSupport, graph.edgeA.length, `${field}.edge_support`);
  checkValues(graph.nodeCounts, rules.counts, `${field}.node_counts`);
  checkValues(graph.edgeWeights, anyValue, `${field}.edge_weights`);
  checkValues(graph.edgeSupport, rules.support, `${field}.edge_support`);
  checkOrderOfEnds(graph, field);
  return graph;
}

function checkLength(values: { readonly length: number }, expected: number, field: string): void {
  if (values.length === expected) return;
  throw invalidArgument(field, `${values.length} values`, `${expected}, as many as there are ids`);
}

function checkValues(values: Float32Array, rule: ValueRule, field: string): void {
  const index = values.findIndex((value) => !rule.accepts(value));
  if (index >= 0) throw invalidArgument(`${field}[${index}]`, values[index], rule.accepted);
}

function checkOrderOfEnds({ edgeA, edgeB }: Graph, field: string): void {
  const index = edgeA.findIndex((a, k) => a >= edgeB[k]!);
  if (index >= 0)
    throw invalidArgument(`${field}.edge_b[${index}]`, edgeB[index], `more than edge_a, ${edgeA[index]!}`);
}

function refuseExcess({ nodes, edges }: { nodes: number; edges: number }): void {
  if (nodes <= maxNodes && edges <= maxEdges) return;
  const most = `${maxNodes} nodes and ${maxEdges} edges`;
  throw new ServiceError('RESOURCE_EXHAUSTED', `chunk: one stream may carry at most ${most}`);
}

function refuseRepeated({ nodeIds, edgeA, edgeB }: Graph): void {
  const node = firstRepeated([nodeIds]);
  if (node >= 0) throw invalidArgument('chunk.node_ids', nodeIds[node], 'every node once in the stream');
  const edge = firstRepeated([edgeA, edgeB]);
  if (edge >= 0) {
    throw invalidArgument(
      'chunk.edge_a, edge_b',
      `${edgeA[edge]!}-${edgeB[edge]!}`,
      'every edge once in the stream',
    );
  }
}
