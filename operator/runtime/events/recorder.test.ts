import { describe, expect, test } from '@jest/globals';
import { clusterMissing, openCluster } from '../../../test/cluster/cluster.js';
import { ApiClient } from '../client/api-client.js';
import { loadConnection } from '../client/load-connection.js';
import type { KubeObject } from '../client/objects.js';
import { FakeClock } from '../clock/fake-clock.js';
import { events, type KubeEvent } from './event.js';
import { EventRecorder } from './recorder.js';
import { testWith } from '../../../test/harness/needs.js';

const reasons = {
  Grown: { type: 'Normal', action: 'Grow' },
  Broken: { type: 'Warning', action: 'Look' },
} as const;
const regarding: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'thing', namespace: 'default', uid: 'uid-1' },
};

function create(clock = new FakeClock()) {
  const written: KubeEvent[] = [];
  const counts: number[] = [];
  const failures: unknown[] = [];
  const client = {
    create: (_type: unknown, event: KubeObject) => {
      written.push(event);
      return Promise.resolve(event);
    },
    patch: (_type: unknown, _ref: unknown, patch: object) => {
      counts.push((patch as Required<KubeEvent>).series.count);
      return Promise.resolve(patch);
    },
  } as unknown as Pick<ApiClient, 'create' | 'patch'>;
  const recorder = new EventRecorder({
    client,
    reasons,
    controller: 'example.com/test',
    instance: 'pod-1',
    clock,
    onFailure: (error) => failures.push(error),
  });
  return { clock, recorder, written, counts, failures };
}

describe('an event', () => {
  test('that repeats is one event with a count, written once a minute', async () => {
    const { clock, recorder, written, counts } = create();
    for (let k = 0; k < 90; k++) {
      recorder.record(regarding, 'Grown', 'by one');
      await clock.advance(1_000);
    }
    expect(written).toHaveLength(1);
    expect(counts).toEqual([60]);
    await clock.advance(60_000);
    expect(counts).toEqual([60, 90]);
  });

  test('that comes back after minutes is a new one', async () => {
    const { clock, recorder, written, counts } = create();
    recorder.record(regarding, 'Grown', 'by one');
    await clock.advance(10 * 60_000);
    expect(clock.timers).toBe(0);
    recorder.record(regarding, 'Grown', 'by one');
    await clock.advance(0);
    expect(written).toHaveLength(2);
    expect(counts).toEqual([]);
  });

  test('that differs is its own, up to a bound an object', async () => {
    const { clock, recorder, written, failures } = create();
    for (let k = 0; k < 30; k++) recorder.record(regarding, 'Grown', `by ${k}`);
    recorder.record({ ...regarding, metadata: { ...regarding.metadata, uid: 'uid-2' } }, 'Grown', 'by one');
    await clock.advance(0);
    expect(written).toHaveLength(26);
    expect(failures).toHaveLength(5);
  });

  test('has a note that the API takes, cut between characters', async () => {
    const { clock, recorder, written } = create();
    recorder.record(regarding, 'Broken', 'ш'.repeat(600));
    await clock.advance(0);
    expect(Buffer.byteLength(written[0]?.note ?? '')).toBeLessThanOrEqual(1_024);
    expect(written[0]?.note).toMatch(/^ш+…$/);
  });
});

const missing = clusterMissing();
const testWithCluster = testWith(missing);

testWithCluster('the API server takes events and their counts', async () => {
  const cluster = await openCluster();
  const client = new ApiClient({ connection: await loadConnection({ kubeconfig: cluster.kubeconfig }) });
  try {
    const failures: unknown[] = [];
    const recorder = new EventRecorder({
      client,
      reasons,
      controller: 'example.com/test',
      instance: 'pod-1',
      onFailure: (error) => failures.push(error),
    });
    recorder.record(regarding, 'Broken', 'x'.repeat(5_000));
    for (let k = 0; k < 3; k++) recorder.record(regarding, 'Grown', 'by one');
    await recorder.flush();
    expect(failures).toEqual([]);
    const all = await client.list(events, { namespace: 'default' });
    // The API server tells things of its own there.
    const items = all.items.filter(({ regarding }) => regarding?.name === 'thing');
    expect(items.map(({ reason, type, series }) => [reason, type, series?.count]).sort()).toEqual([
      ['Broken', 'Warning', undefined],
      ['Grown', 'Normal', 3],
    ]);
    const grown = items.find(({ reason }) => reason === 'Grown')!;
    await client.delete(events, grown.metadata);
    recorder.record(regarding, 'Grown', 'by one');
    await recorder.close();
    expect(failures).toEqual([]);
    expect((await client.get(events, grown.metadata)).series?.count).toBe(4);
  } finally {
    await client.close();
    await cluster.stop();
  }
});
