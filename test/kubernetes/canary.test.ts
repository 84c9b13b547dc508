import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Mcp } from '../../lib/mcpClient/index.js';
import { clusterType, configMapType } from '../../operator/platform/kubernetes/kinds.js';
import { startLoad } from './life.js';
import { missingTag } from './stand-in/node.js';
import { quickCluster, World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

worldSuite('canaries on a real API server', () => {
  let world: World;
  let mcp: Mcp;

  beforeAll(async () => {
    world = await World.start('processes');
    world.operator();
    await world.apply(clusterType, quickCluster('memory'));
    await world.condition('memory', 'Ready', 'True');
    mcp = await world.mcp('memory');
  });

  afterAll(async () => {
    await mcp.close();
    await endWorld(world);
  });

  const history = async () => (await world.cluster('memory')).status?.rollout?.history ?? [];
  const finished = (count: number) =>
    world.until('the end of the canary', history, (entries) => entries.length >= count, 180);

  test('a changed spec goes through a canary and is promoted, and no episode is lost', async () => {
    const load = await startLoad(world, 'memory', 1);
    await world.apply(
      clusterType,
      quickCluster('memory', { services: { koopman: { parameters: { kclL1Strength: 0.3 } } } }),
    );
    const [last] = await finished(2);
    await load.stop();
    expect(last).toMatchObject({ kind: 'Spec', outcome: 'Promoted' });
    expect(load.acknowledged.size).toBeGreaterThan(20);
    expect(load.unacknowledged).toBe(0);
    expect((await load.audit()).wrong).toEqual([]);
    for (const id of load.acknowledged.keys()) expect((await mcp('memory.get', { id })).track).toBe('stable');
    await load.close();
    const { stdout } = await world.plane.kubectl([
      'get',
      'sts,deploy,svc,cm,pvc',
      '-o',
      'name',
      '-l',
      'memory.tori.dev/track=canary',
    ]);
    expect(stdout).toBe('');
    const { data } = await world.client.get(configMapType, { namespace: 'default', name: 'memory-shards' });
    expect(JSON.parse(data?.['table.json'] ?? '{}')).toMatchObject({ canaryBasisPoints: 0 });
    // What was known of this canary must not be taken for the next one's.
    const state = () => world.client.get(configMapType, { namespace: 'default', name: 'memory-state' });
    const kept = await world.until(
      'an empty state',
      state,
      (map) => map.data?.['drain.json'] === undefined,
      30,
    );
    expect(kept.data?.['tracks.json']).not.toContain('seededRevision');
  });

  test('a canary whose image cannot be pulled is rolled back with that reason', async () => {
    const rollout = { ...quickCluster('memory').spec.rollout, progressDeadline: '8s' };
    await world.apply(
      clusterType,
      quickCluster('memory', {
        rollout,
        services: { vault: { image: `registry.example/tori:${missingTag}` } },
      }),
    );
    const [last] = await finished(3);
    expect(last).toMatchObject({ kind: 'Spec', outcome: 'RolledBack' });
    expect(last?.reason).toMatch(/vault: ImagePullBackOff: Back-off pulling image/);
    const cluster = await world.condition('memory', 'Stalled', 'True');
    expect(cluster.status?.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'RolledBack',
    });
    const { stdout } = await world.plane.kubectl([
      'get',
      'events',
      '-o',
      'custom-columns=R:.reason',
      '--no-headers',
    ]);
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(['CanaryStarting', 'Promoted', 'RollingBack', 'RolledBack']),
    );
  });

  test('a MemoryAction aborts a canary, is answered once, and a second one is refused', async () => {
    await world.apply(
      clusterType,
      quickCluster('memory', {
        services: { vault: { env: { LOG_LEVEL: 'warn' } } },
        rollout: {
          ...quickCluster('memory').spec.rollout,
          steps: [{ weight: 10, hold: '10m', minSleeps: 0 }, { weight: 100 }],
        },
      }),
    );
    await world.until(
      'the hold',
      () => world.cluster('memory'),
      ({ status }) => status?.rollout?.state === 'Holding' && status.rollout.run?.stepStartedAt !== undefined,
    );
    await world.act('stop-it', 'abort', 'memory');
    const [last] = await finished(4);
    expect(last).toMatchObject({ outcome: 'RolledBack', reason: 'abort by tester: test', by: 'tester' });
    await world.act('again', 'abort', 'memory');
    const answers = await world.until(
      'answers',
      async () =>
        JSON.parse((await world.plane.kubectl(['get', 'ma', '-o', 'json'])).stdout) as {
          items: { metadata: { name: string }; status?: { outcome: string } }[];
        },
      ({ items }) => items.every(({ status }) => status !== undefined),
    );
    expect(answers.items.map(({ metadata, status }) => [metadata.name, status?.outcome])).toEqual([
      ['again', 'Refused'],
      ['stop-it', 'Accepted'],
    ]);
  });
});
