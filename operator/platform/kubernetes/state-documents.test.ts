import { expect, test } from '@jest/globals';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Stored } from '../../reconcile/reconcile.js';
import type { ApiClient } from '../../runtime/index.js';
import type { ConfigMap } from './kinds.js';
import { StateDocuments } from './state-documents.js';

const cluster = { metadata: { name: 'memory', namespace: 'default', uid: 'new' } } as Stored<MemoryCluster>;

function create(owners: readonly string[]) {
  const written: ConfigMap[] = [];
  const found = {
    metadata: {
      name: 'memory-state',
      namespace: 'default',
      resourceVersion: '5',
      ownerReferences: owners.map((uid) => ({
        apiVersion: 'v1',
        kind: 'MemoryCluster',
        name: 'memory',
        uid,
      })),
    },
    data: { 'drain.json': 'old' },
  };
  const store = (_: unknown, map: ConfigMap) => {
    written.push(map);
    return Promise.resolve(map);
  };
  const client = { get: () => Promise.resolve(found), update: store, create: store } as unknown as ApiClient;
  return { documents: new StateDocuments(client, () => cluster), written };
}

test('what a cluster of the name has left without an owner is taken over, and nothing of it is believed', async () => {
  const { documents, written } = create([]);
  expect(await documents.read('drain')).toBeUndefined();
  await documents.write('tracks', '{}');
  expect(written).toMatchObject([
    { metadata: { resourceVersion: '5', ownerReferences: [{ uid: 'new' }] }, data: { 'tracks.json': '{}' } },
  ]);
  expect(written[0]?.data).not.toHaveProperty(['drain.json']);
});

test('what still belongs to an earlier cluster is not written to', async () => {
  const { documents, written } = create(['old']);
  expect(await documents.read('drain')).toBeUndefined();
  await documents.write('tracks', '{}');
  expect(written[0]?.metadata.resourceVersion).toBeUndefined();
  expect(await create(['new']).documents.read('drain')).toBe('old');
});
