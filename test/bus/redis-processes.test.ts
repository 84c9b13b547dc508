import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BusProcesses, until } from '../harness/bus-processes.js';
import { packageRoot } from '../harness/local-cluster.js';
import { redisMissing } from '../harness/redis-server.js';
import { describeWith } from '../harness/needs.js';

const built = existsSync(join(packageRoot, 'dist', 'services'));
const missing = built ? redisMissing : 'dist/ is absent; npm run build';
const withProcesses = describeWith(missing);

withProcesses('vault, sleep and learner as processes over a real Redis', () => {
  const episodes = 2_000;
  let processes: BusProcesses;

  beforeAll(async () => {
    processes = await BusProcesses.start();
  });
  afterAll(() => processes.close());

  test('every event of 2 000 episodes reaches each consumer while Redis is killed and emptied and a consumer dies', async () => {
    const { redis, vault, learner } = processes;
    await processes.put(0, 500);
    const storing = processes.put(500, 1_000);
    await redis.kill();
    await storing;
    await processes.put(1_000, 1_500);
    await until('the vault sees it', async () => (await vault.metric('bus_connected')) === 0);
    await until('the lag shows it', async () => (await vault.metric('bus_relay_lag_events')) > 0);
    await redis.restart();
    await processes.killSleeper();
    redis.cli('FLUSHALL');
    await processes.put(1_500, episodes);
    await processes.reviveSleeper();

    await processes.settled(episodes);
    for (const consumer of [processes.sleeper, learner]) {
      expect(await consumer.metric('bus_connected')).toBeGreaterThanOrEqual(1);
    }
    // The learner lived through it all: it was handed every event, and those again that Redis forgot to remember as handled.
    expect(await learner.metric('bus_consumer_events_total')).toBeGreaterThanOrEqual(episodes);
  });
});
