import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyChange, contentOf, graphOf, randomGraph, type GraphContent } from '../../test/samples/graphs.js';
import { danglingEdge } from './domain/add.js';
import { emptyGraph, type Graph } from './domain/graph.js';
import { Graphs, type Deltas } from './graphs.js';
import { GraphStore } from './store.js';

const never = new AbortController().signal;

let folder: string;
let store: GraphStore;
let graphs: Graphs;
let clock: number;

function openGraphs(keepVersions = 4) {
  store = new GraphStore(folder);
  graphs = new Graphs(store, { keepVersions, now: () => clock++ });
}

async function reopen(keepVersions?: number) {
  await store.close();
  openGraphs(keepVersions);
}

/** Deltas on the version and cursor in force, with what the test cares about. */
function deltas(change: Graph, fields: Partial<Deltas> = {}): Deltas {
  const { version, cursor } = graphs.head('a').record;
  return {
    baseVersion: version,
    expectedCursor: cursor,
    newCursor: cursor + 10,
    episodes: 5,
    change,
    ...fields,
  };
}

const content = (version = 0) => contentOf(graphs.snapshot('a', version).graph);
const base = graphOf({ 1: 5, 2: 4, 3: 3 }, { '1-2': [0.5, 2], '2-3': [-0.25, 1], '1-3': [0.125, 1] });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tori-pruner-'));
  clock = 1000;
  openGraphs();
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('deltas', () => {
  test('a tenant that was never written is empty at version 0', () => {
    expect(graphs.snapshot('a', 0)).toMatchObject({ record: { version: 0, cursor: 0 }, graph: emptyGraph });
    expect(graphs.heads().size).toBe(0);
  });

  test('move graph, cursor, episodes and version together, for one tenant', async () => {
    const record = await graphs.applyDeltas('a', deltas(base));
    expect(record).toMatchObject({ version: 1, cursor: 10, episodes: 5, nodes: 3, edges: 3 });
    expect(content()).toEqual(contentOf(base));
    expect(graphs.head('b').record.version).toBe(0);
    await reopen();
    expect(graphs.head('a').record).toEqual(record);
    expect(content()).toEqual(contentOf(base));
  });

  test('of two sleeps on one cursor, the second is aborted and changes nothing', async () => {
    await graphs.applyDeltas('a', deltas(base));
    const [first, second] = [deltas(base), deltas(base)];
    const results = await Promise.allSettled([
      graphs.applyDeltas('a', first),
      graphs.applyDeltas('a', second),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(results[1]).toMatchObject({
      reason: { code: 'ABORTED', message: 'tenant "a": expected_cursor 10 is not the cursor in force, 20' },
    });
    expect(content().nodes).toEqual({ 1: 10, 2: 8, 3: 6 });
  });

  test('are rebased over a prune: what it removed stays out unless the added weight alone survives', async () => {
    await graphs.applyDeltas('a', deltas(base));
    const change = graphOf({ 1: 1 }, { '1-2': [0.0625, 1], '1-3': [0.25, 1], '2-3': [-0.125, 1] });
    const computedBefore = deltas(change);
    await graphs.prune('a', 0.25, never);
    expect(content().edges).toEqual({ '1-2': [0.25, 2] });
    await graphs.applyDeltas('a', computedBefore);
    expect(content().edges).toEqual({ '1-2': [0.3125, 3] });
    await graphs.applyDeltas('a', deltas(change));
    expect(content().edges).toEqual({ '1-2': [0.375, 4], '1-3': [0.25, 1], '2-3': [-0.125, 1] });
  });

  test('are aborted when computed before a rollback, on an unknown version, or on one too old', async () => {
    await graphs.applyDeltas('a', deltas(base));
    const before = deltas(base);
    await graphs.rollback('a', 1);
    await expect(graphs.applyDeltas('a', before)).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'tenant "a": the graph was rolled back or loaded (version 2) after base_version 1',
    });
    await expect(graphs.applyDeltas('a', deltas(base, { baseVersion: 9 }))).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('newer than the version in force, 2'),
    });
    for (let k = 0; k < 5; k++) await graphs.prune('a', 1e-5, never);
    await expect(graphs.applyDeltas('a', deltas(base, { baseVersion: 2 }))).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('too old to rebase'),
    });
    expect(await graphs.applyDeltas('a', deltas(base, { baseVersion: 3 }))).toMatchObject({ version: 8 });
  });

  test('with an edge to nowhere, or more episodes taken out than there are, are refused', async () => {
    await expect(graphs.applyDeltas('a', deltas(graphOf({ 1: 1 }, { '1-2': [1, 1] })))).rejects.toMatchObject(
      {
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('"1-2"'),
      },
    );
    await expect(graphs.applyDeltas('a', deltas(base, { episodes: -1 }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('episodes: -1'),
    });
    expect(graphs.head('a').record.version).toBe(0);
  });
});

describe('pruning', () => {
  test('is a version of its own and counts what it removed for good', async () => {
    await graphs.applyDeltas('a', deltas(base));
    expect(await graphs.prune('a', 0.25, never)).toEqual({ version: 2, edgesBefore: 3, edgesAfter: 1 });
    expect(graphs.head('a')).toMatchObject({
      record: { cursor: 10, episodes: 5 },
      tenant: { prunedEdges: 2 },
    });
    await graphs.rollback('a', 1);
    await reopen();
    expect(graphs.head('a').tenant.prunedEdges).toBe(2);
    expect(content()).toEqual(contentOf(base));
  });

  test('of a graph without edges makes no version', async () => {
    expect(await graphs.prune('a', 0.25, never)).toEqual({ version: 0, edgesBefore: 0, edgesAfter: 0 });
    expect(graphs.heads().size).toBe(0);
  });

  test('stops before its commit when it is cancelled', async () => {
    await graphs.applyDeltas('a', deltas(base));
    const cancel = new AbortController();
    const pruned = graphs.prune('a', 0.25, cancel.signal);
    cancel.abort();
    await expect(pruned).rejects.toThrow('aborted');
    expect(graphs.head('a').record.version).toBe(1);
  });
});

describe('versions', () => {
  test('a rollback brings content, cursor and episodes back as a new version', async () => {
    await graphs.applyDeltas('a', deltas(base));
    await graphs.applyDeltas('a', deltas(base));
    expect(await graphs.rollback('a', 0)).toMatchObject({ version: 3, cursor: 10, episodes: 5 });
    expect(content()).toEqual(contentOf(base));
    expect(content(2).nodes).toEqual({ 1: 10, 2: 8, 3: 6 });
  });

  test('only the newest are kept, and disk holds nothing that none of them needs', async () => {
    for (let k = 0; k < 9; k++) await graphs.applyDeltas('a', deltas(base));
    expect(graphs.head('a').tenant).toMatchObject({ version: 9, oldestKept: 6 });
    expect(() => graphs.snapshot('a', 5)).toThrow('tenant "a": version 5 is not kept; kept are 6 to 9');
    await expect(graphs.rollback('a', 5)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(graphs.rollback('b', 0)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await reopen(1);
    await graphs.applyDeltas('a', deltas(base));
    expect(store.records('a').every(({ version }) => version >= 9)).toBe(true);
    await reopen(100);
    expect(graphs.head('a').tenant.oldestKept).toBe(10);
  });

  test('a small change of a large graph is a small write', async () => {
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    await graphs.load('a', randomGraph(1000, 100_000, random), { cursor: 0, episodes: 100 });
    await reopen();
    const size = () => statSync(join(folder, 'data.mdb')).size;
    const before = size();
    for (let k = 0; k < 10; k++) await graphs.applyDeltas('a', deltas(base));
    expect(size() - before).toBeLessThan(1_000_000);
  });

  test('a graph is loaded into an empty one only', async () => {
    await graphs.applyDeltas('a', deltas(base));
    const { graph, record } = graphs.snapshot('a', 0);
    expect(await graphs.load('b', graph, { cursor: 3, episodes: record.episodes })).toMatchObject({
      version: 1,
      cursor: 3,
      episodes: 5,
    });
    expect(contentOf(graphs.snapshot('b', 0).graph)).toEqual(contentOf(base));
    await expect(graphs.load('b', graph, { cursor: 0, episodes: 0 })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'tenant "b": the graph has 3 nodes; only an empty graph can be loaded',
    });
  });

  test('every step leaves its event in the outbox', async () => {
    await graphs.load('a', base, { cursor: 7, episodes: 5 });
    await graphs.applyDeltas('a', deltas(base));
    await graphs.prune('a', 0.25, never);
    await graphs.rollback('a', 1);
    await reopen();
    const events = store.outbox.read(0, 10);
    expect(events.map(({ type, tenant, timeUnixMs }) => [type, tenant, timeUnixMs])).toEqual([
      ['graph.loaded', 'a', 1000],
      ['sleep.committed', 'a', 1001],
      ['graph.pruned', 'a', 1002],
      ['graph.rolled-back', 'a', 1003],
    ]);
    expect(events[2]?.attributes).toEqual({ version: '3', edges: '2', threshold: '0.25', removedEdges: '1' });
  });
});

test('property: after any sequence of steps and restarts, every kept version equals its model', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('deltas' as const), change: anyChange }),
    fc.record({
      kind: fc.constant('prune' as const),
      threshold: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
    }),
    fc.record({ kind: fc.constant('rollback' as const), back: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant('reopen' as const) }),
  );
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const tenant = `run-${++runs}`;
      const model = new Map<number, GraphContent>();
      const head = () => graphs.head(tenant).record;
      for (const next of steps) {
        if (next.kind === 'reopen') await reopen();
        if (next.kind === 'prune') await graphs.prune(tenant, next.threshold, never);
        if (next.kind === 'rollback' && head().version > next.back) {
          const target = Math.max(graphs.head(tenant).tenant.oldestKept, head().version - next.back);
          await graphs.rollback(tenant, target);
          expect(contentOf(graphs.snapshot(tenant, 0).graph)).toEqual(model.get(target));
        }
        if (next.kind === 'deltas' && danglingEdge(graphs.snapshot(tenant, 0).graph, next.change) < 0) {
          const { version, cursor } = head();
          const fields = { baseVersion: version, expectedCursor: cursor, newCursor: cursor + 1, episodes: 1 };
          await graphs.applyDeltas(tenant, { ...fields, change: next.change });
        }
        // What is in memory right after a commit is the model of what disk has to give back later.
        if (!model.has(head().version))
          model.set(head().version, contentOf(graphs.snapshot(tenant, 0).graph));
      }
      await reopen();
      const { version, oldestKept } = graphs.head(tenant).tenant;
      for (let kept = oldestKept; kept <= version; kept++) {
        expect(contentOf(graphs.snapshot(tenant, kept).graph)).toEqual(model.get(kept));
      }
    }),
    { numRuns: 60 },
  );
});
