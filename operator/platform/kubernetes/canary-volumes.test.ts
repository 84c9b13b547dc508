import { expect, test } from '@jest/globals';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { ApiClient, KubeObject } from '../../runtime/index.js';
import { canaryVolumes } from './canary-volumes.js';
import { mayGo } from './cluster-agent.js';
import type { Plan } from '../../reconcile/reconcile.js';

const cluster = {
  metadata: { name: 'memory', namespace: 'default', creationTimestamp: '2030-01-02T00:00:00Z' },
} as MemoryCluster;
const volume = (name: string, creationTimestamp: string): KubeObject => ({
  metadata: { name, creationTimestamp },
});
const client = {
  list: () =>
    Promise.resolve({
      items: [volume('before', '2030-01-01T23:59:59Z'), volume('since', '2030-01-02T00:00:00Z')],
    }),
} as unknown as ApiClient;
const names = async (drained: boolean) => {
  const volumes = await canaryVolumes(client, cluster, { drained, signal: new AbortController().signal });
  return volumes.map(({ metadata }) => metadata.name);
};

test('volumes of an earlier cluster of the name go with a canary only when it was drained', async () => {
  expect(await names(false)).toEqual(['since']);
  expect(await names(true)).toEqual(['before', 'since']);
});

test('a StatefulSet that holds episodes goes only with a canary that is to be removed', () => {
  const object = (kind: string, track?: string): KubeObject => ({
    kind,
    metadata: { name: 'x', ...(track !== undefined && { labels: { 'memory.tori.dev/track': track } }) },
  });
  const nothing = { intents: [] } as unknown as Plan;
  const removing = { intents: [{ type: 'removeCanary' }] } as unknown as Plan;
  const may = (kind: string, track?: string) =>
    [nothing, removing].map((plan) => mayGo(object(kind, track), plan));
  expect(may('StatefulSet', 'stable')).toEqual([false, false]);
  expect(may('StatefulSet', 'canary')).toEqual([false, true]);
  // The managed Redis has no track, and a Deployment no volume.
  expect(may('StatefulSet')).toEqual([true, true]);
  expect(may('Deployment', 'canary')).toEqual([true, true]);
});
