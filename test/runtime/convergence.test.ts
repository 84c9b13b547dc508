import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { runMirror } from '../../operator/runtime/example/mirror.js';
import {
  ApiClient,
  createRuntimeMetrics,
  defaultRetryPolicy,
  loadConnection,
  resourceType,
  type KubeObject,
} from '../../operator/runtime/index.js';
import { seededRandom } from '../../services/common/network/random.js';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.js';
import { startFaultProxy, type FaultProxy } from '../cluster/fault-proxy.js';
import { chaos, strike, type Fault } from '../cluster/faults.js';
import { describeWith } from '../harness/needs.js';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');
const missing = controlPlaneMissing();
const describeWithCluster = describeWith(missing);
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

describeWithCluster('a controller', () => {
  let cluster: ControlPlane;
  let proxy: FaultProxy;
  /** Not through the proxy: the world's own hand. */
  let direct: ApiClient;
  let serial = 0;

  beforeAll(async () => {
    cluster = await startControlPlane();
    proxy = await startFaultProxy(cluster);
    direct = new ApiClient({ connection: await loadConnection({ kubeconfig: cluster.kubeconfig }) });
  });

  afterAll(async () => {
    await direct.close();
    await proxy.stop();
    await cluster.stop();
  });

  /** Runs the example through the proxy, with patience made for tests; returns how to stop it. */
  async function startMirror(namespace: string): Promise<() => Promise<void>> {
    const stopping = new AbortController();
    const metrics = createRuntimeMetrics();
    const client = new ApiClient({
      connection: await loadConnection({ kubeconfig: proxy.kubeconfig }),
      timeoutMs: 2_000,
      retry: { ...defaultRetryPolicy, longestWaitMs: 500 },
      metrics,
    });
    const ended = runMirror({
      client,
      reflector: { backoff: { initialMs: 50, maxMs: 500 }, watchSeconds: 4, silenceMs: 2_000 },
      controller: { logger: silent, metrics, workers: 4, backoff: { initialMs: 20, maxMs: 1_000 } },
      election: {
        client,
        namespace,
        name: 'mirror',
        identity: 'test',
        logger: silent,
        metrics,
        signal: stopping.signal,
        // Long enough that not even chaos takes it away, so that the test is about the controller.
        timing: { leaseMs: 600_000, renewDeadlineMs: 500_000, retryMs: 200 },
      },
    });
    return async () => {
      stopping.abort(new Error('the test is over'));
      await ended;
      await client.close();
    };
  }

  async function makeNamespace(name: string): Promise<void> {
    await direct.create(resourceType('v1', 'Namespace', 'namespaces', 'Cluster'), { metadata: { name } });
  }

  const source = (namespace: string, name: string, value: string): ConfigMap => ({
    metadata: { name, namespace, labels: { mirror: 'source' } },
    data: { value },
  });

  /** Resolves when every source has its copy and there is no other; rejects never, the test's own limit ends it. */
  async function converged(namespace: string): Promise<void> {
    for (;;) {
      const { items } = await direct.list(configMaps, { namespace, labelSelector: 'mirror' });
      const show = (label: string, suffix: string) =>
        items
          .filter(({ metadata }) => metadata.labels?.['mirror'] === label)
          .map(({ metadata, data }) => `${metadata.name.replace(suffix, '')}=${data?.['value']}`)
          .sort()
          .join();
      if (show('source', '') === show('copy', '-mirror')) return;
      await sleep(50);
    }
  }

  /** Makes, changes and deletes sources, and spoils and deletes copies. */
  async function stir(namespace: string, seed: number, times: number): Promise<void> {
    const random = seededRandom(seed);
    for (let k = 0; k < times; k++) {
      const name = `source-${Math.floor(random() * 8)}`;
      const draw = random();
      if (draw < 0.6) {
        await direct.apply(configMaps, source(namespace, name, `${k}`), { fieldManager: 'stir' });
      } else if (draw < 0.75) {
        await direct.delete(configMaps, { namespace, name });
      } else if (draw < 0.9) {
        await direct.delete(configMaps, { namespace, name: `${name}-mirror` });
      } else if ((await direct.find(configMaps, { namespace, name: `${name}-mirror` })) !== undefined) {
        await direct
          .patch(
            configMaps,
            { namespace, name: `${name}-mirror` },
            { data: { value: 'spoiled' } },
            { type: 'merge' },
          )
          .catch(() => undefined);
      }
      await sleep(random() * 40);
    }
  }

  test.each([1, 2, 3])('converges while every fourth request fails in some way (seed %d)', async (seed) => {
    const namespace = `chaos-${seed}`;
    await makeNamespace(namespace);
    proxy.plan(chaos({ seed, rate: 0.25, timeoutMs: 3_000 }));
    const stop = await startMirror(namespace);
    await stir(namespace, seed, 100);
    await converged(namespace);
    await stir(namespace, seed + 1_000, 50);
    await converged(namespace);
    proxy.plan(undefined);
    await stop();
    expect([...proxy.struck.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
  });

  const onWatches: readonly Fault[] = [
    { kind: 'status', code: 410 },
    { kind: 'status', code: 429, retryAfterSeconds: 1 },
    { kind: 'status', code: 500 },
    { kind: 'error-event', code: 410 },
    { kind: 'error-event', code: 500 },
    { kind: 'cut-request' },
    { kind: 'cut-stream', bytes: 300 },
    { kind: 'stall-stream', bytes: 300 },
    { kind: 'timeout', ms: 3_000 },
    { kind: 'garbage' },
  ];
  test.each(onWatches)('gets over watches with %j', async (fault) => {
    const namespace = `watch-${serial++}`;
    await makeNamespace(namespace);
    proxy.plan(strike(fault, 4, ({ watch }) => watch));
    const before = proxy.struck.get(fault.kind) ?? 0;
    const stop = await startMirror(namespace);
    while ((proxy.struck.get(fault.kind) ?? 0) < before + 4) await stir(namespace, serial, 10);
    await converged(namespace);
    await stop();
  });

  const onWrites: readonly Fault[] = [
    { kind: 'status', code: 409 },
    { kind: 'status', code: 429, retryAfterSeconds: 1 },
    { kind: 'status', code: 503, retryAfterSeconds: 1 },
    { kind: 'status', code: 500 },
    { kind: 'cut-request' },
    { kind: 'cut-answer' },
    { kind: 'timeout', ms: 3_000 },
  ];
  test.each(onWrites)('gets over writes with %j', async (fault) => {
    const namespace = `write-${serial++}`;
    await makeNamespace(namespace);
    proxy.plan(strike(fault, 4, ({ method, path }) => method !== 'GET' && path.includes('configmaps')));
    const before = proxy.struck.get(fault.kind) ?? 0;
    const stop = await startMirror(namespace);
    while ((proxy.struck.get(fault.kind) ?? 0) < before + 4) await stir(namespace, serial, 10);
    await converged(namespace);
    await stop();
  });

  test('finds its way after all connections are cut, again and again', async () => {
    await makeNamespace('cuts');
    const stop = await startMirror('cuts');
    for (let round = 0; round < 5; round++) {
      const stirring = stir('cuts', round, 20);
      proxy.cutConnections();
      await stirring;
      proxy.cutConnections();
      await converged('cuts');
    }
    await stop();
  });

  test('finds its way after the API server was killed', async () => {
    await makeNamespace('kill');
    const stop = await startMirror('kill');
    await stir('kill', 1, 20);
    await cluster.restartApiServer();
    await stir('kill', 2, 20);
    await converged('kill');
    await stop();
  });

  test('leaves its lease behind free', async () => {
    await makeNamespace('released');
    const stop = await startMirror('released');
    await direct.apply(configMaps, source('released', 'a', '1'), { fieldManager: 'stir' });
    await converged('released');
    const lease = () =>
      direct.get(resourceType<KubeObject & { spec: object }>('coordination.k8s.io/v1', 'Lease', 'leases'), {
        namespace: 'released',
        name: 'mirror',
      });
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'test' });
    await stop();
    expect((await lease()).spec).not.toHaveProperty('holderIdentity', 'test');
  });
});
