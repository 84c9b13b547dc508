import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { graphOf } from '../../test/samples/graphs.js';
import { createJobRegistry, type JobRegistry } from '../common/jobs/jobs.js';
import { Graphs } from './graphs.js';
import { createScheduler, startPrune, type PruneDetail } from './prune-jobs.js';
import { GraphStore } from './store.js';

let folder: string;
let store: GraphStore;
let graphs: Graphs;
let drain: AbortController;
let jobs: JobRegistry<PruneDetail>;
let clock: number;

const base = graphOf({ 1: 5, 2: 4, 3: 3 }, { '1-2': [0.5, 2], '2-3': [-0.25, 1] });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tori-pruner-'));
  store = new GraphStore(folder);
  clock = 1000;
  graphs = new Graphs(store, { keepVersions: 4, now: () => clock });
  drain = new AbortController();
  jobs = createJobRegistry({ signal: drain.signal });
  const header = { baseVersion: 0, expectedCursor: 0, newCursor: 5, episodes: 5 };
  for (const tenant of ['a', 'b']) await graphs.applyDeltas(tenant, { ...header, change: base });
});

afterEach(async () => {
  drain.abort();
  await jobs.idle();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const scheduler = () =>
  createScheduler({
    graphs,
    jobs,
    threshold: () => 0.3,
    signal: drain.signal,
    intervalMs: 60_000,
    afterCommits: 0,
    now: () => clock,
  });

describe('pruning jobs', () => {
  test('a job reports what its prune has done', async () => {
    const id = startPrune(jobs, graphs, 'a', 0.3);
    expect(jobs.get('a', id).detail).toEqual({ l1Threshold: 0.3, edgesBefore: 2, edgesAfter: 0, version: 0 });
    await jobs.idle();
    expect(jobs.get('a', id)).toMatchObject({
      status: 'succeeded',
      detail: { l1Threshold: 0.3, edgesBefore: 2, edgesAfter: 1, version: 2 },
    });
  });

  test('a job that is cancelled while its prune computes commits nothing', async () => {
    const id = startPrune(jobs, graphs, 'a', 0.3);
    // The job begins in the next turn; its prune is under way, and not yet committed, in the one after.
    await new Promise(setImmediate);
    expect(await jobs.cancel('a', id)).toMatchObject({ status: 'cancelled', detail: { version: 0 } });
    expect(graphs.head('a').record.version).toBe(1);
  });

  test('at the start, what has waited long enough is pruned, once', async () => {
    clock += 60_000;
    scheduler().run();
    await jobs.idle();
    expect(graphs.head('a').record).toMatchObject({ version: 2, edges: 1 });
    expect(graphs.head('b').record).toMatchObject({ version: 2, edges: 1 });
    clock += 600_000;
    scheduler().run();
    expect(jobs.running('a')).toBeUndefined();
  });

  test('nothing starts too early, beside a running job, or in a drain', () => {
    scheduler().run();
    expect(jobs.running('a')).toBeUndefined();
    clock += 60_000;
    const running = startPrune(jobs, graphs, 'a', 0.1);
    scheduler().run();
    expect(jobs.running('a')?.id).toBe(running);
    expect(jobs.running('b')).toBeDefined();
    const draining = scheduler();
    drain.abort();
    expect(() => draining.consider('a', graphs.head('a').record)).not.toThrow();
  });
});
