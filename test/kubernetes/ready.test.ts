import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clusterType } from '../../operator/platform/kubernetes/kinds.js';
import { quickCluster, World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

worldSuite('a cluster from apply to Ready', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start('processes');
    world.operator();
  });

  afterAll(() => endWorld(world));

  test('every service runs, the gateway answers, and the status tells all of it', async () => {
    await world.apply(clusterType, quickCluster('memory'));
    const { status } = await world.condition('memory', 'Ready', 'True');
    expect(status?.services.map(({ name, ready }) => [name, ready])).toEqual([
      ['vault', 1],
      ['pruner', 1],
      ['sleep', 1],
      ['koopman', 1],
      ['gateway', 1],
    ]);
    expect(status?.endpoints).toMatchObject({ mcp: 'http://memory-gateway.default.svc:8787/mcp' });
    const mcp = await world.mcp('memory');
    await mcp('memory.put', { id: 'first', episodeBlob: { concepts: { kept: 1 } } });
    expect((await mcp('memory.get', { id: 'first' })).concepts).toEqual({ kept: 1 });
    await mcp.close();
  });
});
