import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { parse, stringify } from 'yaml';
import { controlPlaneMissing } from '../../../test/cluster/binaries.js';
import { startControlPlane, type ControlPlane } from '../../../test/cluster/control-plane.js';
import { startFaultProxy, type FaultProxy } from '../../../test/cluster/fault-proxy.js';
import { strike, type Fault, type ProxiedRequest } from '../../../test/cluster/faults.js';
import { createRuntimeMetrics } from '../metrics.js';
import { ApiClient, type ApiClientOptions } from './api-client.js';
import { ApiError, ConnectionError, isAlreadyExists, isConflict, isNotFound } from './errors.js';
import { loadConnection } from './load-connection.js';
import type { KubeObject } from './objects.js';
import { metadataOf, resourceType } from './resource-type.js';
import { describeWith } from '../../../test/harness/needs.js';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');
const namespaces = resourceType('v1', 'Namespace', 'namespaces', 'Cluster');
const namespace = 'default';
const missing = controlPlaneMissing();
const describeWithCluster = describeWith(missing);

describeWithCluster('client', () => {
  let cluster: ControlPlane;
  let proxy: FaultProxy;
  let client: ApiClient;
  const registry = new Registry();
  const folder = mkdtempSync(join(tmpdir(), 'runtime-client-'));
  const clients: ApiClient[] = [];

  beforeAll(async () => {
    cluster = await startControlPlane();
    proxy = await startFaultProxy(cluster);
    client = await connect(proxy.kubeconfig, { metrics: createRuntimeMetrics(registry), timeoutMs: 1_500 });
  });

  afterEach(() => proxy.plan(undefined));

  afterAll(async () => {
    await Promise.all(clients.map((one) => one.close()));
    await proxy.stop();
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  async function connect(
    kubeconfig: string,
    options: Omit<ApiClientOptions, 'connection'> = {},
  ): Promise<ApiClient> {
    const made = new ApiClient({ connection: await loadConnection({ kubeconfig }), ...options });
    clients.push(made);
    return made;
  }

  const object = (name: string, data: Record<string, string> = {}): ConfigMap => ({
    metadata: { name, namespace },
    data,
  });
  const fault = (
    what: Fault,
    times: number,
    method: string,
    also: (request: ProxiedRequest) => boolean = () => true,
  ) => proxy.plan(strike(what, times, (request) => request.method === method && also(request)));
  const failureOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => new Error('nothing failed'),
      (error: unknown) => error,
    );

  test('makes, finds, replaces and deletes', async () => {
    const made = await client.create(configMaps, object('crud', { a: '1' }));
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'crud' } });
    expect(isAlreadyExists(await failureOf(client.create(configMaps, object('crud'))))).toBe(true);
    const replaced = await client.update(configMaps, { ...made, data: { b: '2' } });
    expect(replaced.data).toEqual({ b: '2' });
    expect(isConflict(await failureOf(client.update(configMaps, made)))).toBe(true);
    expect(await client.find(configMaps, { namespace, name: 'crud' })).toEqual(replaced);
    const uid = 'another';
    expect(await failureOf(client.delete(configMaps, made.metadata, { uid }))).toMatchObject({ status: 409 });
    expect(await client.delete(configMaps, made.metadata)).toBe(true);
    expect(await client.delete(configMaps, made.metadata)).toBe(false);
    expect(await client.find(configMaps, { namespace, name: 'crud' })).toBeUndefined();
    expect(isNotFound(await failureOf(client.get(configMaps, { namespace, name: 'crud' })))).toBe(true);
  });

  test('applies: its fields are its own, and those of others stay', async () => {
    await client.apply(configMaps, object('ssa', { mine: '1', gone: '1' }), { fieldManager: 'a' });
    await client.apply(configMaps, object('ssa', { theirs: '1' }), { fieldManager: 'b' });
    const after = await client.apply(configMaps, object('ssa', { mine: '2' }), { fieldManager: 'a' });
    expect(after.data).toEqual({ mine: '2', theirs: '1' });
    const fight = client.apply(configMaps, object('ssa', { mine: '3' }), { fieldManager: 'b', force: false });
    expect(await failureOf(fight)).toMatchObject({ status: 409, reason: 'Conflict' });
    const tried = await client.apply(configMaps, object('ssa', { mine: '4' }), {
      fieldManager: 'b',
      dryRun: true,
    });
    expect(tried.data).toEqual({ mine: '4' });
    expect((await client.get(configMaps, after.metadata)).data).toEqual({ mine: '2', theirs: '1' });
  });

  test('patches by merging and by JSON patch, also a subresource', async () => {
    const { metadata } = await client.create(configMaps, object('patched', { a: '1', b: '1' }));
    const merged = await client.patch(configMaps, metadata, { data: { a: null, c: '1' } }, { type: 'merge' });
    expect(merged.data).toEqual({ b: '1', c: '1' });
    const operations = [{ op: 'replace', path: '/data/b', value: '2' }];
    expect((await client.patch(configMaps, metadata, operations, { type: 'json' })).data).toEqual({
      b: '2',
      c: '1',
    });
    const made = await client.create(namespaces, { metadata: { name: 'with-status' } });
    const status = { status: { conditions: [{ type: 'Tested', status: 'True' }] } };
    const written = await client.patch(namespaces, made.metadata, status, {
      type: 'merge',
      subresource: 'status',
    });
    expect(written).toMatchObject(status);
  });

  test('says which field is wrong', async () => {
    const error = await failureOf(client.create(configMaps, object('Not A Name')));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 422,
      reason: 'Invalid',
      details: { causes: [{ field: 'metadata.name' }] },
    });
  });

  describe('lists', () => {
    const labels = { listed: 'yes' };
    const names = Array.from({ length: 10 }, (_, k) => `listed-${k}`);
    const selection = { namespace, labelSelector: 'listed=yes' };

    beforeAll(async () => {
      for (const name of names) await client.create(configMaps, { metadata: { name, namespace, labels } });
    });

    test('in pages, as of one moment', async () => {
      const before = proxy.requests;
      const { items, resourceVersion } = await client.list(configMaps, { ...selection, pageSize: 3 });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
      expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
      expect(resourceVersion).not.toBe('');
      expect(proxy.requests - before).toBe(4);
    });

    test('anew and in one piece when the server forgets where a page begins', async () => {
      let pages = 0;
      fault(
        { kind: 'status', code: 410 },
        1,
        'GET',
        ({ path }) => path.includes('continue=') && ++pages === 2,
      );
      const firsts: boolean[] = [];
      for await (const page of client.pages(configMaps, { ...selection, pageSize: 3 }))
        firsts.push(page.first);
      expect(firsts).toEqual([true, false, true]);
      pages = 0;
      fault(
        { kind: 'status', code: 410 },
        1,
        'GET',
        ({ path }) => path.includes('continue=') && ++pages === 2,
      );
      expect((await client.list(configMaps, { ...selection, pageSize: 3 })).items).toHaveLength(10);
    });

    test('metadata alone', async () => {
      const { items } = await client.list(metadataOf(configMaps), selection);
      expect(items[0]).toMatchObject({ kind: 'ConfigMap', metadata: { labels } });
      expect(Object.keys(items[0]!)).toEqual(expect.not.arrayContaining(['data', 'spec']));
    });
  });

  describe('when the server is not at its best', () => {
    test('waits as long as it is told and sends again what was not processed', async () => {
      fault({ kind: 'status', code: 429, retryAfterSeconds: 1 }, 1, 'POST');
      await client.create(configMaps, object('after-429'));
      fault({ kind: 'status', code: 429, retryAfterSeconds: 60 }, 1, 'POST');
      const error = await failureOf(client.create(configMaps, object('much-later')));
      expect(error).toMatchObject({ status: 429, retryAfterMs: 60_000 });
    });

    test('sends again what does no harm twice, and nothing else', async () => {
      fault({ kind: 'status', code: 500 }, 2, 'PATCH');
      await client.apply(configMaps, object('twice'), { fieldManager: 'a' });
      fault({ kind: 'cut-answer' }, 1, 'POST');
      const before = proxy.requests;
      const error = await failureOf(client.create(configMaps, object('once')));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ maybeProcessed: true });
      expect(proxy.requests - before).toBe(1);
      expect(await client.find(configMaps, { namespace, name: 'once' })).toBeDefined();
    });

    test('gives up on an answer that does not come', async () => {
      fault({ kind: 'timeout', ms: 60_000 }, 1, 'POST');
      expect(await failureOf(client.create(configMaps, object('slow')))).toMatchObject({
        name: 'ConnectionError',
        code: 'UND_ERR_HEADERS_TIMEOUT',
      });
    });

    test('stops at once when it is told to', async () => {
      fault({ kind: 'timeout', ms: 60_000 }, 1, 'GET');
      const reason = new Error('enough');
      const stopping = new AbortController();
      const call = failureOf(client.get(configMaps, { namespace, name: 'x' }, { signal: stopping.signal }));
      setTimeout(() => stopping.abort(reason), 20);
      expect(await call).toBe(reason);
    });

    test('counts every answer, and what had none', async () => {
      const { values } = (await registry.getSingleMetric('rest_client_requests_total')!.get()) as {
        values: { labels: Record<string, string> }[];
      };
      const { host } = new URL(proxy.server);
      for (const [code, method] of [
        ['201', 'POST'],
        ['429', 'POST'],
        ['<error>', 'POST'],
        ['200', 'PATCH'],
        ['404', 'GET'],
      ]) {
        expect(values.map(({ labels }) => labels)).toContainEqual({ code, method, host });
      }
      expect(await registry.metrics()).toContain('rest_client_request_duration_seconds_count{verb="PATCH"');
    });
  });

  test('tells which kinds are served', async () => {
    expect(await client.serves(configMaps)).toBe(true);
    expect(await client.serves(resourceType('apps/v1', 'Deployment', 'deployments'))).toBe(true);
    expect(await client.serves(resourceType('apps/v1', 'Cronut', 'cronuts'))).toBe(false);
    expect(await client.serves(resourceType('example.com/v1', 'Thing', 'things'))).toBe(false);
  });

  describe('proves who it is', () => {
    const list = (one: ApiClient) => one.list(namespaces, {});
    const adminToken = () => {
      const { users } = parse(readFileSync(cluster.kubeconfig, 'utf8')) as {
        users: [{ user: { token: string } }];
      };
      return users[0].user.token;
    };

    async function withUser(name: string, user: object): Promise<ApiClient> {
      const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: object[] };
      config.users = [{ name: 'admin', user }];
      const path = join(folder, name);
      writeFileSync(path, stringify(config));
      return connect(path);
    }

    test('in a pod, with a token that is replaced now and then', async () => {
      const { hostname, port } = new URL(cluster.server);
      const token = join(folder, 'token');
      writeFileSync(join(folder, 'namespace'), 'tori');
      writeFileSync(
        join(folder, 'ca.crt'),
        readFileSync(join(cluster.folder, 'certificates', 'apiserver.crt')),
      );
      writeFileSync(token, 'of yesterday');
      const connection = await loadConnection({
        env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
        serviceAccountFolder: folder,
      });
      expect(connection.namespace).toBe('tori');
      const pod = new ApiClient({ connection });
      clients.push(pod);
      expect(await failureOf(list(pod))).toMatchObject({ status: 401 });
      writeFileSync(token, `${adminToken()}\n`);
      expect((await list(pod)).items.length).toBeGreaterThan(0);
      // Gone for a moment, as while it is replaced: the last good one serves.
      connection.credentials.expire(await connection.credentials.current());
      rmSync(token);
      expect((await list(pod)).items.length).toBeGreaterThan(0);
    });

    test('with a token from a file', async () => {
      writeFileSync(join(folder, 'my-token'), adminToken());
      expect(
        (await list(await withUser('token-file', { tokenFile: 'my-token' }))).items.length,
      ).toBeGreaterThan(0);
    });

    test('with what a plugin says', async () => {
      const credential = {
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token: adminToken() },
      };
      const exec = {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-p', JSON.stringify(JSON.stringify(credential))],
        interactiveMode: 'Never',
      };
      expect((await list(await withUser('exec', { exec }))).items.length).toBeGreaterThan(0);
    });
  });
});
