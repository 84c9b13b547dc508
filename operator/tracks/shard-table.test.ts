import { expect, test } from '@jest/globals';
import type { RolloutStatus } from '../api/rollout-status.js';
import { shardTableOf, type WantedTable } from './shard-table.js';

const rollout = { stableRevision: 'old', run: { revision: 'new' } } as unknown as RolloutStatus;
const addresses = () => ({ vault: 'v:1', pruner: 'p:1', sleep: 's:1', koopman: 'k:1' });
const without: WantedTable = { epoch: 1, basisPoints: 0, canary: false };
const withCanary: WantedTable = { epoch: 2, basisPoints: 900, canary: true };

test('the peak is the highest share of the present canary', () => {
  const before = shardTableOf(withCanary, { ...initial(), before: shardTableOf(without, initial()) });
  expect(before.canaryPeakBasisPoints).toBe(900);
  const lower = { epoch: 3, basisPoints: 100, canary: true };
  expect(shardTableOf(lower, { ...initial(), before }).canaryPeakBasisPoints).toBe(900);
  expect(
    shardTableOf({ ...without, epoch: 4 }, { ...initial(), before }).canaryPeakBasisPoints,
  ).toBeUndefined();
});

test('a changed routing key waits for the end of the canary', () => {
  const first = shardTableOf(withCanary, initial());
  const changed = { routingKey: 'tenant', rollout, addresses } as const;
  const during = shardTableOf({ ...withCanary, epoch: 3 }, { ...changed, before: first });
  expect(during.routingKey).toBe('episode');
  const after = shardTableOf({ ...without, epoch: 4 }, { ...changed, before: during });
  expect(after.routingKey).toBe('tenant');
  expect(shardTableOf({ ...withCanary, epoch: 5 }, { ...changed, before: after }).routingKey).toBe('tenant');
});

function initial() {
  return { routingKey: 'episode', rollout, addresses, before: undefined } as const;
}
