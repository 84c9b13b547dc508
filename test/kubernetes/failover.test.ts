import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clusterType } from '../../operator/platform/kubernetes/kinds.js';
import type { OperatorProcess } from './operator.js';
import { quickCluster, World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

worldSuite('two operators on a real API server', () => {
  let world: World;
  let operators: OperatorProcess[];

  beforeAll(async () => {
    world = await World.start('processes');
    operators = [world.operator(), world.operator()];
    await world.apply(clusterType, quickCluster('memory'));
    await world.condition('memory', 'Ready', 'True');
  });

  afterAll(() => endWorld(world));

  const holder = async () =>
    (await world.plane.kubectl(['get', 'lease', 'tori-operator', '-o', 'jsonpath={.spec.holderIdentity}']))
      .stdout;

  /** Which operator leads, by its pod name. */
  const leader = async () => {
    const name = (await holder()).split('_')[0] ?? '';
    return operators.find(({ logFile }) => logFile.endsWith(`/${name}.log`));
  };

  test('one leads; both are alive and ready', async () => {
    expect(await leader()).toBeDefined();
    for (const { metricsPort } of operators) {
      for (const path of ['livez', 'readyz']) {
        const { status } = await fetch(`http://127.0.0.1:${metricsPort}/${path}`);
        expect([path, status]).toEqual([path, 200]);
      }
    }
    const leads = await Promise.all(
      operators.map(async ({ metricsPort }) => {
        const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
        return text.includes('leader_election_master_status{name="tori-operator"} 1');
      }),
    );
    expect(leads.filter(Boolean).length).toBe(1);
  });

  test('the leader is killed in the middle of a canary: the other one finishes it, once', async () => {
    await world.apply(
      clusterType,
      quickCluster('memory', { services: { koopman: { parameters: { kclL1Strength: 0.2 } } } }),
    );
    await world.until(
      'the hold',
      () => world.cluster('memory'),
      ({ status }) => status?.rollout?.state === 'Holding',
    );
    const dead = await leader();
    await dead?.kill();
    operators = operators.filter((one) => one !== dead);
    const { status } = await world.until(
      'the end of the canary',
      () => world.cluster('memory'),
      (cluster) => cluster.status?.rollout?.history.length === 2,
      180,
    );
    expect(status?.rollout?.history[0]).toMatchObject({ kind: 'Spec', outcome: 'Promoted' });
    expect(await leader()).toBe(operators[0]);
  });

  test('a leader that was stopped for longer than its lease does no harm when it goes on', async () => {
    operators.push(world.operator());
    const sleeper = await leader();
    sleeper?.child.kill('SIGSTOP');
    await world.until('another leader', leader, (one) => one !== undefined && one !== sleeper);
    await world.apply(
      clusterType,
      quickCluster('memory', { services: { koopman: { parameters: { kclL1Strength: 0.1 } } } }),
    );
    await world.until(
      'the hold',
      () => world.cluster('memory'),
      ({ status }) => status?.rollout?.state === 'Holding',
    );
    sleeper?.child.kill('SIGCONT');
    const { status } = await world.until(
      'the end of the canary',
      () => world.cluster('memory'),
      (cluster) => cluster.status?.rollout?.history.length === 3,
      180,
    );
    expect(status?.rollout?.history[0]).toMatchObject({ kind: 'Spec', outcome: 'Promoted' });
    await sleep(2_000);
    const tables = world
      .audit()
      .filter(({ objectRef, verb }) => objectRef?.name === 'memory-shards' && verb !== 'get')
      .flatMap(({ responseObject, responseStatus }) =>
        (responseStatus?.code ?? 500) < 300 && responseObject !== undefined
          ? [(responseObject as unknown as { data: Record<string, string> }).data['table.json'] ?? '{}']
          : [],
      )
      .map((text) => (JSON.parse(text) as { epoch: number }).epoch);
    expect(tables).toEqual([...tables].sort((a, b) => a - b));
  });
});
