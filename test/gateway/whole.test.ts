import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Mcp, Progress } from '../../lib/mcpClient/index.js';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import { sleepScheduler } from '../../services/sleep-scheduler/service.js';
import { Memory } from './memory.js';

let memory: Memory;
let scheduler: ServiceHandle;
let mcp: Mcp;

beforeAll(async () => {
  memory = await Memory.start();
  const { vault, pruner } = memory.services('stable');
  scheduler = await startService(sleepScheduler, {
    ...memory.serviceEnv('stable', 'sleep'),
    VAULT_ADDRESS: vault,
    PRUNER_ADDRESS: pruner,
    SLEEP_MIN_NEW_EPISODES: '0',
  });
  await memory.route({ sleep: `127.0.0.1:${scheduler.grpcPort}` });
  mcp = memory.client();
});
afterAll(async () => {
  await memory.stop();
  await scheduler.drain();
});

test('what was put is consolidated by sleep, and recall completes it', async () => {
  const topics = [
    ['tea', 'cup', 'kettle', 'lemon'],
    ['bike', 'wheel', 'chain', 'saddle'],
    ['rain', 'cloud', 'umbrella', 'puddle'],
  ];
  const puts = Array.from({ length: 120 }, (_, k) => {
    const topic = topics[k % topics.length]!;
    const concepts = Object.fromEntries(
      topic.filter((_name, at) => at !== Math.floor(k / 3) % 4).map((name) => [name, 1]),
    );
    return mcp('memory.put', { episodeBlob: { concepts }, id: `e-${k}` });
  });
  await Promise.all(puts);

  const told: Progress[] = [];
  const { runs } = await mcp('memory.sleep', { once: false }, { onProgress: (each) => told.push(each) });
  expect(runs).toMatchObject([{ track: 'stable', state: 'succeeded', error: '' }]);
  const cycles = runs[0]!.cycles;
  expect(cycles.reduce((sum, { episodes }) => sum + episodes, 0)).toBe(120);
  expect(told.map(({ progress }) => progress)).toEqual(cycles.map((_, k) => k + 1));

  const { completed, episodes } = await mcp('memory.recall', { concepts: ['bike', 'wheel'], k: 5 });
  expect(
    completed
      .slice(0, 2)
      .map(({ concept }) => concept)
      .sort(),
  ).toEqual(['chain', 'saddle']);
  for (const { id } of episodes) expect(Number(id.slice(2)) % 3).toBe(1);
});
