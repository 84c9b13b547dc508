import { describe, expect, test } from '@jest/globals';
import { reported, worldIn } from '../../test/cli/reported.js';
import { tuningOf } from '../../test/cli/tuning.js';
import { rolloutStateNames } from '../../operator/api/rollout-status.js';
import { profileOf } from '../../test/tuning/profile.js';
import { apiVersion } from '../../operator/api/resource.js';
import type { Stored } from '../resources/access.js';
import { explanation } from '../explain/explanation.js';
import { clusterTree } from './cluster-tree.js';
import { nextOf } from './next.js';
import { outcomeOf } from './outcome.js';
import { summary } from './summary.js';

const self = 'kubectl tori';
const profile: Stored<'TuningProfile'> = {
  apiVersion,
  kind: 'TuningProfile',
  metadata: { name: 'fast', uid: 'p-1', generation: 1, creationTimestamp: '2026-01-01T00:00:00.000Z' },
  spec: profileOf({}),
};

describe.each(rolloutStateNames)('%s', (state) => {
  const world = worldIn(state);
  const cluster = reported(world);
  const now = world.now + 30_000;

  test('is drawn as a tree', () => {
    expect(clusterTree(cluster, undefined, { now, wide: false, self })).toMatchSnapshot();
  });

  test('is explained', () => {
    expect(explanation(cluster, undefined, { now, self })).toMatchSnapshot();
  });
});

describe('tuning', () => {
  const world = worldIn('Stable');
  const tuned = reported(world, { tuning: tuningOf(world.now) });
  const cluster = { ...tuned, spec: { ...tuned.spec, tuningProfileRef: { name: 'fast' } } };

  test('shows values with their source and where each parameter stands', () => {
    expect(clusterTree(cluster, profile, { now: world.now, wide: false, self })).toMatchSnapshot();
  });

  test('is explained parameter by parameter, with every rule and its numbers', () => {
    expect(explanation(cluster, profile, { now: world.now, self })).toMatchSnapshot();
  });

  test('says that the profile is missing', () => {
    expect(clusterTree(cluster, undefined, { now: world.now, wide: false, self })).toContain(
      'tuning  none: there is no TuningProfile fast',
    );
  });
});

test('a cluster that no operator has seen is drawn without guesses', () => {
  const { status, ...unseen } = reported(worldIn('Stable'));
  expect(status).toBeDefined();
  expect(clusterTree(unseen, undefined, { now: 0, wide: false, self })).toBe(
    'demo  MemoryCluster  not seen by an operator yet',
  );
  expect(nextOf(unseen, 0)).toEqual(['the operator reads the spec']);
});

test('a status about an older spec is marked, and is no outcome', () => {
  const cluster = reported(worldIn('Stable'));
  const edited = { ...cluster, metadata: { ...cluster.metadata, generation: 3 } };
  expect(clusterTree(edited, undefined, { now: 0, wide: false, self })).toContain(
    '! the operator has seen generation 2, the spec is 3',
  );
  expect(outcomeOf(edited, 'ready')).toBeUndefined();
});

test('several clusters are one line each', () => {
  const holding = worldIn('Holding');
  const clusters = [reported(holding), { ...reported(worldIn('Stable')) }].map((one, index) => ({
    ...one,
    metadata: { ...one.metadata, name: `memory-${index}`, namespace: 'agents' },
  }));
  expect(summary(clusters, holding.now)).toMatchSnapshot();
});

describe('the outcome of a pipeline', () => {
  test.each([
    ['Installing', undefined, undefined],
    ['Stable', 0, 0],
    ['Starting', undefined, 0],
    ['Holding', undefined, 0],
    ['Paused', undefined, 0],
    ['RollingBack', 11, 11],
    ['Promoting', undefined, 0],
    ['Draining', undefined, 0],
    ['Removing', undefined, 0],
  ] as const)('in %s is %s for promoted and %s for ready', (state, promoted, ready) => {
    const cluster = reported(worldIn(state));
    expect([outcomeOf(cluster, 'promoted')?.exitCode, outcomeOf(cluster, 'ready')?.exitCode]).toEqual([
      promoted,
      ready,
    ]);
  });

  test('a canary that failed and waits for a person is 10', () => {
    const world = worldIn('Starting');
    world.wish = { spec: { ...world.wish.spec, rollout: { ...world.wish.spec.rollout, onFail: 'pause' } } };
    world.quality = 'failing';
    world.runUntil(({ state }) => state === 'Paused');
    expect(outcomeOf(reported(world), 'promoted')).toMatchObject({
      exitCode: 10,
      text: expect.stringContaining('CanaryFailed'),
    });
  });
});
