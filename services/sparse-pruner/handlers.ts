import type {
  ApplyDeltasRequest,
  CompleteRequest,
  PruneJob,
  SparsePrunerServer,
  StreamGraphRequest,
  StreamGraphResponse,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { decodeActivations } from '../common/activations/activations.js';
import { invalidArgument } from '../common/errors.js';
import type { Job, JobRegistry } from '../common/jobs/jobs.js';
import { encodeJobStatus } from '../common/jobs/wire.js';
import type { ParameterSet } from '../common/parameters/parameters.js';
import type { Handlers } from '../common/server/call.js';
import { tenantOf } from '../common/tenant.js';
import { changeRules, encodeChunk, graphRules, readChunks } from './chunks.js';
import type { Completer } from './completion.js';
import { density, partsOf } from './domain/graph.js';
import { forecastPrune } from './domain/soft-threshold.js';
import type { Graphs } from './graphs.js';
import { startPrune, type PruneDetail } from './prune-jobs.js';

/** What the handlers need. */
export interface HandlerDependencies {
  readonly graphs: Graphs;
  readonly jobs: JobRegistry<PruneDetail>;
  readonly parameters: ParameterSet<'l1Threshold'>;
  readonly completer: Completer;
}

const maxExamples = 1000;
const maxCompleted = 1000;
const defaultCompleted = 20;

/** The RPCs of SparsePruner: each checks its request, calls one part of the service and answers. */
export function createHandlers(dependencies: HandlerDependencies): Handlers<SparsePrunerServer> {
  const { graphs, jobs, parameters, completer } = dependencies;
  const thresholdOf = ({
    l1Threshold = parameters.values().l1Threshold,
  }: {
    l1Threshold?: number | undefined;
  }) => {
    if (l1Threshold > 0 && Number.isFinite(l1Threshold)) return l1Threshold;
    throw invalidArgument('l1_threshold', l1Threshold, 'a finite number above 0');
  };
  return {
    startPrune: (request) => ({ jobId: startPrune(jobs, graphs, tenantOf(request), thresholdOf(request)) }),

    dryRunPrune(request) {
      atMost('examples', request.examples, maxExamples);
      const l1Threshold = thresholdOf(request);
      const { record, graph } = graphs.snapshot(tenantOf(request), 0);
      const { edgesAfter, heaviest } = forecastPrune(graph, l1Threshold, request.examples);
      const examples = Array.from(heaviest, (k) => ({
        a: graph.edgeA[k]!,
        b: graph.edgeB[k]!,
        weight: graph.edgeWeights[k]!,
      }));
      return { l1Threshold, edgesBefore: record.edges, edgesAfter, examples, version: record.version };
    },

    getPrune: (request) => ({ job: encodeJob(jobs.get(tenantOf(request), request.jobId)) }),

    cancelPrune: async (request) => ({ job: encodeJob(await jobs.cancel(tenantOf(request), request.jobId)) }),

    getGraphStats(request) {
      const { tenant, record } = graphs.head(tenantOf(request));
      const kept = Math.max(0, record.version - tenant.oldestKept + 1);
      return {
        version: record.version,
        nodeCount: record.nodes,
        edgeCount: record.edges,
        density: density(record.nodes, record.edges),
        cursor: record.cursor,
        episodes: record.episodes,
        keptVersions: Array.from({ length: kept }, (_, k) => tenant.oldestKept + k),
        prunedEdges: tenant.prunedEdges,
      };
    },

    streamGraph: (request) => streamGraph(graphs, request),

    async applyDeltas(requests) {
      const { first, graph: change } = await readChunks(requests, changeRules);
      checkDeltas(first);
      const { baseVersion, expectedCursor, newCursor, episodes } = first;
      const deltas = { baseVersion, expectedCursor, newCursor, episodes, change };
      const { version, edges } = await graphs.applyDeltas(tenantOf(first), deltas);
      return { version, edgeCount: edges };
    },

    async rollback(request) {
      const { version } = await graphs.rollback(tenantOf(request), request.version);
      return { version };
    },

    async loadGraph(requests) {
      const { first, graph } = await readChunks(requests, graphRules);
      const { cursor, episodes } = first;
      atLeast('cursor', cursor, 0);
      atLeast('episodes', episodes, 0);
      const { version } = await graphs.load(tenantOf(first), graph, { cursor, episodes });
      return { version };
    },

    complete: (request) => complete(completer, request),

    getParameters: () => ({ parameters: parameters.values() }),

    updateParameters: (request) => ({ parameters: parameters.update(request.parameters ?? {}) }),
  };
}

async function* streamGraph(graphs: Graphs, request: StreamGraphRequest): AsyncIterable<StreamGraphResponse> {
  atLeast('version', request.version, 0);
  const { record, graph } = await Promise.resolve(graphs.snapshot(tenantOf(request), request.version));
  const { version, cursor, episodes } = record;
  for (const part of partsOf(graph)) yield { version, cursor, episodes, chunk: encodeChunk(part) };
}

function complete(completer: Completer, request: CompleteRequest) {
  atMost('limit', request.limit, maxCompleted);
  const cue = decodeActivations(request.cue, 'cue');
  const limit = request.limit === 0 ? defaultCompleted : request.limit;
  const { completion, version } = completer.complete(tenantOf(request), cue, limit);
  const concepts = completion.concepts.map(({ id, score, active }) => ({ conceptId: id, score, active }));
  return { ...completion, concepts, version };
}

function checkDeltas({ baseVersion, expectedCursor, newCursor }: ApplyDeltasRequest): void {
  atLeast('base_version', baseVersion, 0);
  atLeast('expected_cursor', expectedCursor, 0);
  atLeast('new_cursor', newCursor, expectedCursor);
}

function encodeJob(job: Job<PruneDetail>): PruneJob {
  const { startedUnixMs, finishedUnixMs, error } = job;
  return {
    jobId: job.id,
    state: encodeJobStatus(job.status),
    ...job.detail,
    error,
    startedUnixMs,
    finishedUnixMs,
  };
}

function atLeast(field: string, value: number, least: number): void {
  if (value < least) throw invalidArgument(field, value, `${least} or more`);
}

function atMost(field: string, value: number, most: number): void {
  if (value > most) throw invalidArgument(field, value, `${most} or less`);
}
