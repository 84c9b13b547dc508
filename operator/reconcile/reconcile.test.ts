import { expect, test } from '@jest/globals';
import { clusterOf } from '../../test/rollout/world.js';
import type { MemoryAction } from '../api/memory-action.js';
import type { MemoryCluster, MemoryClusterStatus } from '../api/memory-cluster.js';
import { reconcileCluster, type Platform, type Stored } from './reconcile.js';

const metadata = { uid: 'u', generation: 2, creationTimestamp: '2030-01-01T00:00:00Z' };

test('while a spec is refused what runs is kept up, and every action is told why it leads to nothing, or what it led to', async () => {
  let kept = 0;
  const platform: Platform = {
    problems: () => [{ path: 'spec.storage.engine', value: 'postgres', reason: 'not here' }],
    observe: () =>
      Promise.resolve({
        observation: { stable: { ready: true }, gatewayEpochs: [], canarySeeded: false },
        completion: {},
        services: [],
        endpoints: {},
        statements: [],
      }),
    prepare: () => {
      throw new Error('nothing may be prepared for a refused spec');
    },
    keepUp: () => Promise.resolve(void (kept += 1)),
  };
  const base = clusterOf({});
  const status = { rollout: { handled: [{ uid: 'c', outcome: 'Accepted', message: 'it was done' }] } };
  const cluster = { ...base, status, metadata: { ...base.metadata, ...metadata } } as unknown;
  const actions = ['a', 'b', 'c'].map((uid) => ({ metadata: { ...metadata, name: uid, uid } }));
  const written: MemoryClusterStatus[] = [];

  const { answers, carryOut } = await reconcileCluster(
    platform,
    {
      cluster: cluster as Stored<MemoryCluster>,
      profile: undefined,
      actions: actions as unknown as readonly Stored<MemoryAction>[],
    },
    {
      provider: { read: () => Promise.reject(new Error('nothing is measured for a refused spec')) } as never,
      tuningSamples: () => Promise.resolve({}),
      now: new Date('2030-01-01T00:00:00Z'),
      persist: (status) => Promise.resolve(void written.push(status)),
    },
  );
  await carryOut();

  expect(kept).toBe(1);
  expect(answers.map(({ uid, outcome }) => [uid, outcome])).toEqual([
    ['a', 'Refused'],
    ['b', 'Refused'],
    ['c', 'Accepted'],
  ]);
  expect(answers[0]?.message).toBe(
    'nothing is decided while the spec is refused: spec.storage.engine: Invalid value: "postgres": not here',
  );
  expect(written[0]?.conditions.find(({ type }) => type === 'Stalled')?.reason).toBe('InvalidSpec');
});
