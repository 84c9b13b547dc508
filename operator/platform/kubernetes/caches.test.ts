import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../../services/common/logger.js';
import type { ApiClient, Controller, KubeObject, ResourceType } from '../../runtime/index.js';
import { CacheSet } from './caches.js';
import { wakeOnChanges } from './wake-ups.js';

const cluster = {
  metadata: { name: 'memory', namespace: 'default', uid: 'u', resourceVersion: '1' },
  spec: {},
} as unknown as KubeObject;

/** An API server that serves these add-ons, and lets only these be listed. */
function server(served: Set<string>, listable: Set<string>): ApiClient {
  return {
    serves: ({ kind }: ResourceType) => Promise.resolve(served.has(kind)),
    async *pages({ kind }: ResourceType) {
      await Promise.resolve();
      if (served.has(kind) && !listable.has(kind)) throw new Error(`${kind} is forbidden`);
      yield { first: true, items: kind === 'MemoryCluster' ? [cluster] : [], resourceVersion: '1' };
    },
    async *watch(_: ResourceType, { signal }: { signal: AbortSignal }) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      yield* [];
    },
  } as unknown as ApiClient;
}

describe('kinds of add-ons', () => {
  let stop: AbortController;
  let running: Promise<void>;
  const served = new Set<string>();
  const listable = new Set<string>();
  let caches: CacheSet;

  beforeEach(async () => {
    stop = new AbortController();
    setMaxListeners(0, stop.signal);
    served.clear();
    listable.clear();
    caches = new CacheSet({
      client: server(served, listable),
      namespaces: [],
      logger: createLogger('test', 'silent'),
    });
    running = caches.run(stop.signal);
    await caches.whenSynced(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  const followed = () =>
    [...caches.children.keys()].filter((key) => key.startsWith('monitoring.coreos.com/'));

  test('that cannot be listed keep nobody waiting, and do not count', async () => {
    served.add('ServiceMonitor');
    await caches.discover(stop.signal, 1);
    expect(followed()).toEqual([]);
    expect(caches.synced).toBe(true);
  });

  test('that come later wake every cluster, and those that go are forgotten', async () => {
    const woken: string[] = [];
    const controller = {
      add: (key: string) => woken.push(key),
      addAfter: () => undefined,
    } as unknown as Controller;
    const stopWaking = wakeOnChanges(
      caches,
      { gone: () => undefined },
      {
        clusters: controller,
        profiles: controller,
        actions: controller,
      },
    );
    woken.length = 0;
    served.add('PrometheusRule');
    listable.add('PrometheusRule');
    await caches.discover(stop.signal);
    expect(followed()).toEqual(['monitoring.coreos.com/v1/PrometheusRule']);
    expect(woken).toEqual(['default/memory']);
    served.clear();
    await caches.discover(stop.signal);
    expect(followed()).toEqual([]);
    stopWaking();
  });
});
