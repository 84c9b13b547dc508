import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contentOf, graphOf, randomGraph } from '../../test/samples/graphs.js';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import {
  SparsePrunerService,
  type ApplyDeltasRequest,
  type GraphChunk,
  type SparsePrunerServer,
  type StreamGraphResponse,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { EventLogService, type EventLogServer } from '../../proto/gen/tori/memory/v1/event_log_service.js';
import { encodeActivations, encodeF32, encodeU32, sparseVector } from '../common/activations/activations.js';
import { connect, type ServiceClient } from '../common/clients/client.js';
import { startService, type ServiceHandle } from '../common/server/service.js';
import { encodeChunk, graphRules, readChunks } from './chunks.js';
import type { Graph } from './domain/graph.js';
import { sparsePruner } from './service.js';

const token = 'internal-token';
let folder: string;
let service: ServiceHandle;
let client: ServiceClient<SparsePrunerServer>;

async function start(env: NodeJS.ProcessEnv = {}) {
  service = await startService(sparsePruner, {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, 'data'),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    LOG_LEVEL: 'silent',
    PRUNER_INTERVAL_MS: '0',
    PRUNER_AFTER_COMMITS: '0',
    ...env,
  });
  client = connect<SparsePrunerServer>(SparsePrunerService, `127.0.0.1:${service.grpcPort}`, { token });
}

async function stop() {
  client.close();
  await service.drain();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tori-pruner-'));
  writeFileSync(join(folder, 'token'), token);
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const base = graphOf({ 1: 5, 2: 4, 3: 3 }, { '1-2': [0.5, 2], '2-3': [-0.25, 1], '1-3': [0.0005, 1] });
const stats = (tenant = '') => client.getGraphStats({ tenant });

function part(change: Graph | GraphChunk, fields: Partial<ApplyDeltasRequest> = {}): ApplyDeltasRequest {
  const chunk =
    'nodeIds' in change && Buffer.isBuffer(change.nodeIds) ? change : encodeChunk(change as Graph);
  return {
    tenant: '',
    baseVersion: 0,
    expectedCursor: 0,
    newCursor: 7,
    episodes: 5,
    chunk: chunk as GraphChunk,
    ...fields,
  };
}

async function streamed(version = 0, tenant = '') {
  const parts: StreamGraphResponse[] = [];
  for await (const next of client.streamGraph({ tenant, version })) parts.push(next);
  return parts;
}

async function graphIn(parts: StreamGraphResponse[]) {
  // eslint's await rules apply to sources that are not asynchronous, too: a generator makes one that is.
  async function* source() {
    for (const next of parts) yield await Promise.resolve(next);
  }
  return (await readChunks(source(), graphRules)).graph;
}

async function pruneAndWait(request: { tenant?: string; l1Threshold?: number } = {}) {
  const { jobId } = await client.startPrune({ tenant: '', ...request });
  for (;;) {
    const { job } = await client.getPrune({ tenant: request.tenant ?? '', jobId });
    if (job?.state !== JobState.JOB_STATE_RUNNING) return job;
    await new Promise(setImmediate);
  }
}

async function until(holds: () => Promise<boolean>) {
  while (!(await holds())) await new Promise(setImmediate);
}

/** The first sample of a metric whose line holds a label. */
async function metric(name: string, label = '') {
  const text = await (await fetch(`http://127.0.0.1:${service.metricsPort}/metrics`)).text();
  const line = text.split('\n').find((row) => row.startsWith(name) && row.includes(label));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

describe('graph', () => {
  test('deltas in several parts make one version, which streams back equal', async () => {
    const random = (() => {
      let state = 7;
      return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    })();
    const graph = randomGraph(600, 80_000, random);
    const half = { nodes: graph.nodeIds.length, edges: 50_000 };
    const parts = [
      part({ ...encodeChunk(graph), ...edges(graph, 0, half.edges) }),
      part({
        nodeIds: Buffer.alloc(0),
        nodeCounts: Buffer.alloc(0),
        ...edges(graph, half.edges, graph.edgeA.length),
      }),
    ];
    expect(await client.applyDeltas(parts)).toEqual({ version: 1, edgeCount: graph.edgeA.length });
    const back = await streamed();
    expect(back.map(({ version, cursor, episodes }) => [version, cursor, episodes])).toEqual([
      [1, 7, 5],
      [1, 7, 5],
    ]);
    expect(contentOf(await graphIn(back))).toEqual(contentOf(graph));
    expect(await stats()).toEqual({
      version: 1,
      nodeCount: 600,
      edgeCount: graph.edgeA.length,
      density: graph.edgeA.length / ((600 * 599) / 2),
      cursor: 7,
      episodes: 5,
      keptVersions: [1],
      prunedEdges: 0,
    });
  });

  test('a canary is seeded by streaming stable into it', async () => {
    await client.applyDeltas([part(base)]);
    const parts = await streamed();
    const load = () =>
      client.loadGraph(
        parts.map(({ chunk, episodes }) => ({ tenant: 'canary', cursor: 2, episodes, chunk })),
      );
    expect(await load()).toEqual({ version: 1 });
    const [first] = await streamed(0, 'canary');
    expect(first).toEqual({ ...parts[0], cursor: 2 });
    await expect(load()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  test('a rollback returns to a kept version; others are not found', async () => {
    await client.applyDeltas([part(base)]);
    await client.applyDeltas([part(base, { baseVersion: 1, expectedCursor: 7, newCursor: 9 })]);
    expect(await client.rollback({ tenant: '', version: 0 })).toEqual({ version: 3 });
    expect(contentOf(await graphIn(await streamed()))).toEqual(contentOf(base));
    expect(await stats()).toMatchObject({ version: 3, cursor: 7, keptVersions: [1, 2, 3] });
    await expect(streamed(4)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(client.rollback({ tenant: '', version: 4 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const late = part(base, { baseVersion: 2, expectedCursor: 7, newCursor: 9 });
    await expect(client.applyDeltas([late])).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('an empty graph streams as one empty part', async () => {
    expect(await streamed()).toMatchObject([{ version: 0, cursor: 0, episodes: 0 }]);
    await expect(client.rollback({ tenant: '', version: 0 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a stream that its caller gives up changes nothing', async () => {
    const cancel = new AbortController();
    // The server counts a call that it has begun to read, and one that it has ended.
    const calls = (count: string) => metric(count, 'grpc_method="ApplyDeltas"');
    async function* half() {
      yield part(base);
      await until(async () => (await calls('grpc_server_started_total')) === 1);
      cancel.abort();
    }
    await expect(client.applyDeltas(half(), { signal: cancel.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await until(async () => (await calls('grpc_server_handled_total')) === 1);
    expect((await stats()).version).toBe(0);
  });

  const nodes = { nodeIds: encodeU32(Uint32Array.of(1, 2)), nodeCounts: encodeF32(Float32Array.of(1, 1)) };
  const edge = (a: number, b: number, weight = 1, support = 1): GraphChunk => ({
    ...nodes,
    edgeA: encodeU32(Uint32Array.of(a)),
    edgeB: encodeU32(Uint32Array.of(b)),
    edgeWeights: encodeF32(Float32Array.of(weight)),
    edgeSupport: encodeF32(Float32Array.of(support)),
  });
  const good = edge(1, 2);

  test.each<[string, GraphChunk[], string]>([
    ['bytes', [{ ...good, edgeA: Buffer.alloc(3) }], 'parts[0].chunk.edge_a: "3 bytes"'],
    ['edge lengths', [{ ...good, edgeB: Buffer.alloc(8) }], 'parts[0].chunk.edge_b: "2 values"'],
    [
      'weight lengths',
      [{ ...good, edgeWeights: Buffer.alloc(0) }],
      'parts[0].chunk.edge_weights: "0 values"',
    ],
    [
      'support lengths',
      [{ ...good, edgeSupport: Buffer.alloc(0) }],
      'parts[0].chunk.edge_support: "0 values"',
    ],
    ['count lengths', [{ ...good, nodeCounts: Buffer.alloc(4) }], 'parts[0].chunk.node_counts: "1 values"'],
    ['order of ends', [good, edge(2, 1)], 'parts[1].chunk.edge_b[0]: 1'],
    ['equal ends', [edge(2, 2)], 'parts[0].chunk.edge_b[0]: 2'],
    ['a weight', [edge(1, 2, Number.NaN)], 'parts[0].chunk.edge_weights[0]: NaN'],
    ['a support', [edge(1, 2, 1, Infinity)], 'parts[0].chunk.edge_support[0]: Infinity'],
    ['an edge to nowhere', [edge(1, 3)], '"1-3"'],
    ['a node twice', [good, { ...edge(1, 3) }], 'chunk.node_ids: 1'],
    ['an edge twice', [good, { ...good, nodeIds: Buffer.alloc(0), nodeCounts: Buffer.alloc(0) }], '"1-2"'],
  ])('refuses wrong %s', async (_, chunks, message) => {
    const sent = client.applyDeltas(chunks.map((chunk) => part(chunk)));
    await expect(sent).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
    expect((await stats()).version).toBe(0);
  });

  test.each<[Partial<ApplyDeltasRequest>, string]>([
    [{ baseVersion: -1 }, 'base_version: -1'],
    [{ expectedCursor: -1 }, 'expected_cursor: -1'],
    [{ newCursor: -1 }, 'new_cursor: -1'],
    [{ episodes: -1 }, 'episodes: -1'],
    [{ tenant: 'No Name' }, 'tenant'],
  ])('refuses the header %j', async (fields, message) => {
    await expect(client.applyDeltas([part(good, fields)])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });

  test('a loaded graph holds totals: counts above 0, support of 0 or more', async () => {
    const load = (chunk: GraphChunk) => client.loadGraph([{ tenant: '', cursor: 0, episodes: 1, chunk }]);
    await expect(load(edge(1, 2, 1, -1))).rejects.toMatchObject({
      message: expect.stringContaining('edge_support[0]: -1'),
    });
    const counts = encodeF32(Float32Array.of(1, 0));
    await expect(load({ ...good, nodeCounts: counts })).rejects.toMatchObject({
      message: expect.stringContaining('node_counts[1]: 0'),
    });
    await expect(client.loadGraph([])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('at least one part'),
    });
  });
});

describe('pruning', () => {
  test('a dry run tells what the job then does', async () => {
    await client.applyDeltas([part(base)]);
    const forecast = await client.dryRunPrune({ tenant: '', l1Threshold: 0.3, examples: 1 });
    expect(forecast).toEqual({
      l1Threshold: 0.3,
      edgesBefore: 3,
      edgesAfter: 1,
      examples: [{ a: 2, b: 3, weight: -0.25 }],
      version: 1,
    });
    expect(await stats()).toMatchObject({ version: 1, edgeCount: 3 });
    const job = await pruneAndWait({ l1Threshold: 0.3 });
    expect(job).toMatchObject({
      state: JobState.JOB_STATE_SUCCEEDED,
      l1Threshold: 0.3,
      edgesBefore: 3,
      edgesAfter: 1,
      version: 2,
      error: '',
    });
    expect(job?.finishedUnixMs).toBeGreaterThanOrEqual(job!.startedUnixMs);
    expect(contentOf(await graphIn(await streamed())).edges).toEqual({ '1-2': [Math.fround(0.5 - 0.3), 2] });
    expect(await stats()).toMatchObject({
      version: 2,
      edgeCount: 1,
      nodeCount: 3,
      cursor: 7,
      prunedEdges: 2,
    });
  });

  test('an empty graph is pruned with success', async () => {
    expect(await pruneAndWait()).toMatchObject({
      state: JobState.JOB_STATE_SUCCEEDED,
      edgesBefore: 0,
      edgesAfter: 0,
      version: 0,
    });
  });

  test('cancelling a finished job returns it; an unknown one is not found', async () => {
    await client.applyDeltas([part(base)]);
    const job = await pruneAndWait();
    expect(await client.cancelPrune({ tenant: '', jobId: job!.jobId })).toEqual({ job });
    expect(await client.getPrune({ tenant: '', jobId: '' })).toEqual({ job });
    const unknown = { tenant: '', jobId: 'unknown' };
    await expect(client.getPrune(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(client.cancelPrune(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    [{ l1Threshold: 0, examples: 0 }, 'l1_threshold: 0'],
    [{ l1Threshold: Number.NaN, examples: 0 }, 'l1_threshold: NaN'],
    [{ examples: 1001 }, 'examples: 1001'],
  ])('a dry run refuses %j', async (fields, message) => {
    await expect(client.dryRunPrune({ tenant: '', ...fields })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });

  test('the threshold is a parameter with bounds', async () => {
    expect(await client.getParameters({})).toEqual({ parameters: { l1Threshold: 0.001 } });
    const changed = { parameters: { l1Threshold: 0.0004 } };
    expect(await client.updateParameters(changed)).toEqual(changed);
    await expect(client.updateParameters({ parameters: { l1Threshold: 0.02 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'parameters.l1_threshold: 0.02 is not accepted; expected a number from 0.00001 to 0.01',
    });
    await client.applyDeltas([part(base)]);
    expect(await pruneAndWait()).toMatchObject({ l1Threshold: 0.0004, edgesAfter: 3 });
    await stop();
    await start({ PRUNE_L1_THRESHOLD: '0.002' });
    expect(await client.getParameters({})).toEqual({ parameters: { l1Threshold: 0.002 } });
  });

  test('starts by itself after so many committed sleeps', async () => {
    await stop();
    await start({ PRUNER_AFTER_COMMITS: '2' });
    await client.applyDeltas([part(base)]);
    await expect(client.getPrune({ tenant: '', jobId: '' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await client.applyDeltas([part(base, { baseVersion: 1, expectedCursor: 7 })]);
    const { job } = await client.getPrune({ tenant: '', jobId: '' });
    expect(job).toMatchObject({ l1Threshold: 0.001, edgesBefore: 3 });
  });

  test('metrics move with their causes only', async () => {
    const read = async () => ({
      pruned: await metric('pruned_edges_total'),
      edges: await metric('edge_count'),
      nodes: await metric('graph_nodes'),
      version: await metric('graph_version'),
      density: await metric('graph_density'),
      jobs: await metric('prune_jobs_total'),
    });
    const zero = { pruned: 0, edges: 0, nodes: 0, version: 0, density: 0, jobs: undefined };
    expect(await read()).toEqual(zero);
    await pruneAndWait();
    expect(await read()).toEqual({ ...zero, jobs: 1 });
    await client.applyDeltas([part(base)]);
    await client.applyDeltas([part(base, { tenant: 'other' })]);
    const full = { pruned: 0, edges: 6, nodes: 6, version: 1, density: 1, jobs: 1 };
    expect(await read()).toEqual(full);
    await client.dryRunPrune({ tenant: '', l1Threshold: 0.3, examples: 10 });
    expect(await read()).toEqual(full);
    await pruneAndWait({ l1Threshold: 0.3 });
    expect(await read()).toEqual({ pruned: 2, edges: 4, nodes: 6, version: 2, density: 4 / 6, jobs: 2 });
    await client.rollback({ tenant: '', version: 1 });
    expect(await read()).toEqual({ pruned: 2, edges: 6, nodes: 6, version: 3, density: 1, jobs: 2 });
  });

  test('events can be followed', async () => {
    await client.applyDeltas([part(base)]);
    await pruneAndWait();
    const address = `127.0.0.1:${service.grpcPort}`;
    const log = connect<EventLogServer>(EventLogService, address, { token });
    const types: string[] = [];
    for await (const event of log.subscribe({ afterSequence: 0, follow: false, log: '' }))
      types.push(event.type);
    expect(types).toEqual(['sleep.committed', 'graph.pruned']);
    log.close();
  });
});

describe('completion', () => {
  const complete = (ids: number[], limit = 0) =>
    client.complete({ tenant: '', limit, cue: encodeActivations(sparseVector(ids.map((id) => [id, 1]))) });
  const linked = graphOf({ 1: 5, 2: 5, 3: 5, 4: 5 }, { '1-2': [4, 5], '3-4': [4, 5] });

  test('ranks what belongs to the cue first, and ignores concepts that it does not know', async () => {
    await client.applyDeltas([part(linked, { episodes: 10 })]);
    const answer = await complete([1, 99], 2);
    expect(answer).toMatchObject({ version: 1, concepts: [{ conceptId: 2, active: true }, {}] });
    expect(answer.concepts[0]!.score).toBeGreaterThan(answer.concepts[1]!.score);
    expect(answer.energyEnd).toBeLessThanOrEqual(answer.energyStart);
    expect((await complete([3])).concepts[0]).toMatchObject({ conceptId: 4 });
  });

  test('follows the graph to its next version', async () => {
    await client.applyDeltas([part(linked, { episodes: 10 })]);
    await complete([1]);
    const turned = graphOf({}, { '1-2': [-4, 0], '1-3': [9, 1] });
    await client.applyDeltas([part(turned, { baseVersion: 1, expectedCursor: 7, episodes: 0 })]);
    expect(await complete([1])).toMatchObject({ version: 2, concepts: [{ conceptId: 3 }, {}, {}] });
  });

  test('knows nothing of a cue of strangers, or in an empty graph', async () => {
    const nothing = { concepts: [], energyStart: 0, energyEnd: 0, settleLoops: 0 };
    expect(await complete([1])).toEqual({ ...nothing, version: 0 });
    await client.applyDeltas([part(linked)]);
    expect(await complete([99])).toEqual({ ...nothing, version: 1 });
  });

  test('refuses a missing cue and too high a limit', async () => {
    await expect(complete([1], 1001)).rejects.toMatchObject({
      message: expect.stringContaining('limit: 1001'),
    });
    await expect(client.complete({ tenant: '', limit: 0, cue: undefined })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('cue'),
    });
  });
});

describe('configuration', () => {
  test.each([
    [{ PRUNE_L1_THRESHOLD: '5' }, 'PRUNE_L1_THRESHOLD = "5": expected a number from 0.00001 to 0.01'],
    [{ PRUNER_KEEP_VERSIONS: '0' }, 'PRUNER_KEEP_VERSIONS = "0"'],
    [{ DATA_DIR: '/dev/null/data' }, 'DATA_DIR = "/dev/null/data": cannot be used'],
  ])('refuses %j', async (env, message) => {
    const started = startService(sparsePruner, {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: join(folder, 'other'),
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      LOG_LEVEL: 'silent',
      ...env,
    });
    await expect(started).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(message),
    });
  });
});

function edges(graph: Graph, from: number, to: number) {
  return {
    edgeA: encodeU32(graph.edgeA.subarray(from, to)),
    edgeB: encodeU32(graph.edgeB.subarray(from, to)),
    edgeWeights: encodeF32(graph.edgeWeights.subarray(from, to)),
    edgeSupport: encodeF32(graph.edgeSupport.subarray(from, to)),
  };
}
