import { expect, test } from '@jest/globals';
import type { MemoryClusterStatus } from '../../api/memory-cluster.js';
import { rolloutStates } from '../../rollout/states.js';
import { requeueAfterMs } from './requeue.js';

const now = new Date('2030-01-01T00:00:00Z');
const status = (state: string, run: object | undefined, conditions: readonly object[] = []) =>
  ({ conditions, rollout: { state, ...(run !== undefined && { run }) } }) as unknown as MemoryClusterStatus;

test('a gateway is asked each second where one is waited for, and never while a person or a start is', () => {
  const states = Object.keys(rolloutStates);
  const asking = states.filter((state) => requeueAfterMs(status(state, {}), now, []) !== undefined);
  expect(asking.sort()).toEqual(['Draining', 'Holding', 'Promoting', 'Removing', 'RollingBack']);
});

test('the earliest of what is stored and what else is waited for counts, and what has passed does not', () => {
  const run = {
    stepStartedAt: '2029-12-31T00:00:00Z',
    nextCheckAt: '2029-12-31T23:59:59Z',
    eligibleAt: '2030-01-01T00:01:00Z',
  };
  expect(requeueAfterMs(status('Holding', run), now, [])).toBe(60_001);
  expect(requeueAfterMs(status('Holding', run), now, [30_000, -5])).toBe(1);
  expect(requeueAfterMs(status('Stable', undefined), now, [])).toBeUndefined();
});

test('a run waits for nothing while the spec is refused', () => {
  const refused = [{ type: 'Stalled', status: 'True', reason: 'InvalidSpec' }];
  expect(requeueAfterMs(status('Removing', {}, refused), now, [])).toBeUndefined();
  expect(requeueAfterMs(status('Removing', {}, refused), now, [5_000])).toBe(5_001);
});
