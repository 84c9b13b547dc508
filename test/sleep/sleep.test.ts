import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import { encodeActivations, sparseVector } from '../../services/common/activations/activations.js';
import { Dormitory, hasEnded, runUntil, type Sleeper } from './dormitory.js';

const batches = { SLEEP_BATCH_EPISODES: '150' };

describe('sleep beside a real vault and pruner', () => {
  let dormitory: Dormitory;
  let sleepers: Sleeper[];

  beforeEach(async () => {
    dormitory = await Dormitory.open();
    sleepers = [];
  });
  afterEach(async () => {
    for (const sleeper of sleepers) await sleeper.stop();
    await dormitory.close();
  });

  const start = async (env: NodeJS.ProcessEnv = batches) => {
    const sleeper = await dormitory.sleeper(env);
    sleepers.push(sleeper);
    return sleeper.client;
  };
  const graph = () => dormitory.pruner.getGraphStats({ tenant: '' });

  test('consolidates cycle by cycle until nothing new is left, and the graph completes themes', async () => {
    await dormitory.remember(500, 1);
    const client = await start();
    await client.startConsolidation({ tenant: '', once: false, seed: 7 });
    const run = await runUntil(client, hasEnded);
    expect(run.state).toBe(JobState.JOB_STATE_SUCCEEDED);
    expect(run.cycles.map(({ episodes }) => episodes)).toEqual([150, 150, 150, 50]);
    expect(run.cycles.map(({ cycle }) => cycle)).toEqual([1, 2, 3, 4]);
    expect(await graph()).toMatchObject({ episodes: 500, cursor: 500 });
    expect(await client.getReplayStats({ tenant: '' })).toMatchObject({ cursor: 500, backlog: 0, cycles: 4 });

    const cue = encodeActivations(sparseVector([3, 15, 27, 39].map((id) => [id, 1])));
    const { concepts, energyStart, energyEnd } = await dormitory.pruner.complete({
      tenant: '',
      cue,
      limit: 6,
    });
    expect(concepts.map(({ conceptId }) => conceptId % 12)).toEqual([3, 3, 3, 3, 3, 3]);
    expect(energyEnd).toBeLessThanOrEqual(energyStart);
  });

  test('once runs one cycle; the same seed gives the same cycle', async () => {
    await dormitory.remember(200, 1);
    const client = await start();
    await client.startConsolidation({ tenant: '', once: true, seed: 3 });
    const first = await runUntil(client, hasEnded);
    expect(first.cycles).toHaveLength(1);

    const other = await Dormitory.open();
    await other.remember(200, 1);
    const sleeper = await other.sleeper(batches);
    await sleeper.client.startConsolidation({ tenant: '', once: true, seed: 3 });
    const second = await runUntil(sleeper.client, hasEnded);
    await sleeper.stop();
    await other.close();
    const repeatable = ({ cycles: [cycle] }: typeof first) => ({ ...cycle, durationMs: 0 });
    expect(repeatable(second)).toEqual(repeatable(first));
  });

  test('a scheduler that dies is succeeded by one that goes on from the cursor, and no episode counts twice', async () => {
    await dormitory.remember(600, 1);
    const doomed = await dormitory.sleeper({ SLEEP_BATCH_EPISODES: '100' });
    await doomed.client.startConsolidation({ tenant: '', once: false, seed: 7 });
    await runUntil(doomed.client, ({ cycles }) => cycles.length >= 2);
    await doomed.stop();
    const between = await graph();
    expect(between.cursor).toBe(between.episodes);
    expect(between.cursor).toBeGreaterThanOrEqual(200);

    const client = await start();
    await client.startConsolidation({ tenant: '', once: false });
    await runUntil(client, hasEnded);
    expect(await graph()).toMatchObject({ episodes: 600, cursor: 600 });
  });

  test('two schedulers that sleep at once never count an episode twice', async () => {
    await dormitory.remember(450, 1);
    const pair = [await start(), await start()];
    await Promise.all(pair.map((client) => client.startConsolidation({ tenant: '', once: false })));
    const runs = await Promise.all(pair.map((client) => runUntil(client, hasEnded)));
    expect(runs.map(({ error }) => error)).toEqual(['', '']);
    expect(await graph()).toMatchObject({ episodes: 450, cursor: 450 });
  });

  test('a tombstone moves the cursor and counts nothing', async () => {
    await dormitory.remember(20, 1);
    const request = { tenant: '', epoch: 0, tombstoneIfAbsent: false };
    await dormitory.vault.delete({ ...request, id: 'episode-1-3' });
    const client = await start();
    await client.startConsolidation({ tenant: '', once: false });
    await runUntil(client, hasEnded);
    expect(await graph()).toMatchObject({ episodes: 19, cursor: 21 });
  });

  test('sleeps by itself once enough has come', async () => {
    const client = await start({ ...batches, SLEEP_MIN_NEW_EPISODES: '100', SLEEP_POLL_MS: '20' });
    await dormitory.remember(99, 1);
    await sleep(200);
    expect((await graph()).cursor).toBe(0);
    await dormitory.remember(1, 2);
    while ((await graph()).cursor < 100) await sleep(20);
    expect((await runUntil(client, hasEnded)).state).toBe(JobState.JOB_STATE_SUCCEEDED);
  });

  test('refuses a parameter out of bounds and keeps the one in force', async () => {
    const client = await start();
    await expect(client.updateParameters({ parameters: { learningRate: 0.5 } })).rejects.toThrow(
      'parameters.learning_rate: 0.5 is not accepted; expected a number from 0.0001 to 0.1',
    );
    expect((await client.getParameters({})).parameters).toEqual({
      annealT0: 2,
      learningRate: 0.01,
      l1Strength: 0.001,
    });
  });
});
