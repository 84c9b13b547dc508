import { expect, test } from '@jest/globals';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import { ApiError, type ApiClient } from '../../runtime/index.js';
import { ClaimGrowth } from './claim-growth.js';

test('growth that the storage class refuses is told, holds up nothing, and is tried again later', async () => {
  let now = 0;
  let tries = 0;
  const client = {
    list: () => Promise.resolve({ items: [{ metadata: { name: 'data-memory-vault-0' } }] }),
    patch: () => {
      tries++;
      const body = { reason: 'Forbidden', message: 'the storageclass must support resize' };
      return Promise.reject(new ApiError(403, body, { request: 'patch claim' }));
    },
  } as unknown as ApiClient;
  const cluster = { metadata: { name: 'memory', namespace: 'default' } } as Stored<MemoryCluster>;
  const growth = new ClaimGrowth(client, () => now);
  const grow = () =>
    growth.grow(cluster, [{ name: 'data-memory-vault-0', size: '2Gi' }], new AbortController().signal);
  const told = [
    expect.objectContaining({
      reason: 'VolumeNotGrown',
      message: 'patch claim: the storageclass must support resize',
    }),
  ];
  expect(await grow()).toEqual(told);
  expect(await grow()).toEqual(told);
  expect(tries).toBe(1);
  now += 10 * 60_000;
  expect(await grow()).toEqual(told);
  expect(tries).toBe(2);
});

test('a claim that cannot grow does not keep others from it', async () => {
  const grown: string[] = [];
  const [refused, other] = ['data-memory-vault-0', 'data-memory-vault-1'];
  const client = {
    list: () => Promise.resolve({ items: [refused, other].map((name) => ({ metadata: { name } })) }),
    patch: (_: unknown, { name }: { name: string }) => {
      if (name === refused)
        return Promise.reject(new ApiError(422, { message: 'is full' }, { request: 'patch claim' }));
      grown.push(name);
      return Promise.resolve({});
    },
  } as unknown as ApiClient;
  const cluster = { metadata: { name: 'memory', namespace: 'default' } } as Stored<MemoryCluster>;
  const wanted = [refused, other].map((name) => ({ name, size: '2Gi' }));
  const told = await new ClaimGrowth(client, () => 0).grow(cluster, wanted, new AbortController().signal);
  expect(told).toEqual([expect.objectContaining({ message: 'patch claim: is full' })]);
  expect(grown).toEqual([other]);
});
