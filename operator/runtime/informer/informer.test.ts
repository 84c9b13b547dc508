import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../../../test/cluster/binaries.js';
import { startControlPlane, type ControlPlane } from '../../../test/cluster/control-plane.js';
import { startFaultProxy } from '../../../test/cluster/fault-proxy.js';
import { ApiClient } from '../client/api-client.js';
import { isExpired } from '../client/errors.js';
import { loadConnection } from '../client/load-connection.js';
import type { KubeObject } from '../client/objects.js';
import { metadataOf, resourceType } from '../client/resource-type.js';
import { byLabel } from './indexes.js';
import { createInformer } from './informer.js';
import { describeWith } from '../../../test/harness/needs.js';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');
const namespaces = resourceType('v1', 'Namespace', 'namespaces', 'Cluster');
const missing = controlPlaneMissing();
const describeWithCluster = describeWith(missing);

describeWithCluster('informer', () => {
  let cluster: ControlPlane;
  let client: ApiClient;
  const stopping = new AbortController();

  beforeAll(async () => {
    cluster = await startControlPlane();
    client = new ApiClient({ connection: await loadConnection({ kubeconfig: cluster.kubeconfig }) });
  });

  afterAll(async () => {
    stopping.abort();
    await client.close();
    await cluster.stop();
  });

  const configMap = (name: string, value: string): ConfigMap => ({
    metadata: { name, namespace: 'default', labels: { group: value } },
    data: { value },
  });
  const apply = (name: string, value: string) =>
    client.apply(configMaps, configMap(name, value), { fieldManager: 'test' });

  test('lists, then follows', async () => {
    await apply('a', '1');
    const informer = createInformer({
      client,
      type: configMaps,
      namespaces: ['default'],
      indexes: { group: byLabel<ConfigMap>('group') },
    });
    const seen: string[] = [];
    informer.onChange((before, after) => {
      if ((after ?? before)!.metadata.name.startsWith('kube-')) return;
      seen.push(`${before?.data?.['value'] ?? '-'} > ${after?.data?.['value'] ?? '-'}`);
    });
    void informer.run(stopping.signal);
    await informer.whenSynced();
    expect(informer.get('default/a')?.kind).toBe('ConfigMap');
    await apply('b', '2');
    await apply('a', '2');
    await until(() => informer.by('group', 'default/2').length === 2);
    await client.delete(configMaps, { name: 'a', namespace: 'default' });
    await until(() => informer.get('default/a') === undefined);
    expect(seen).toEqual(['- > 1', '- > 2', '1 > 2', '2 > -']);
    expect(informer.by('group', 'default/2').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(informer.by('group', 'default/1')).toEqual([]);
  });

  test('metadata only', async () => {
    await apply('m', '1');
    const informer = createInformer({ client, type: metadataOf(configMaps) });
    void informer.run(stopping.signal);
    await informer.whenSynced();
    await apply('n', '1');
    await until(() => informer.get('default/n') !== undefined);
    expect(informer.get('default/m')).toMatchObject({
      kind: 'ConfigMap',
      metadata: { labels: { group: '1' } },
    });
    expect(informer.get('default/m')).not.toHaveProperty('data');
    expect(informer.get('default/n')).not.toHaveProperty('data');
  });

  test('follows several namespaces as one', async () => {
    for (const name of ['one', 'two', 'three']) {
      await client.create(namespaces, { metadata: { name } });
      await client.create(configMaps, { metadata: { name: 'x', namespace: name } });
    }
    const informer = createInformer({ client, type: configMaps, namespaces: ['one', 'two'] });
    void informer.run(stopping.signal);
    await informer.whenSynced();
    const own = () => informer.list().filter(({ metadata }) => metadata.name === 'x');
    expect(
      own()
        .map(({ metadata }) => metadata.namespace)
        .sort(),
    ).toEqual(['one', 'two']);
    expect(informer.get('three/x')).toBeUndefined();
  });

  test('tells only what changed while it could not watch', async () => {
    const proxy = await startFaultProxy(cluster);
    const through = new ApiClient({ connection: await loadConnection({ kubeconfig: proxy.kubeconfig }) });
    for (const [name, value] of [
      ['kept', '1'],
      ['changed', '1'],
      ['dropped', '1'],
    ] as const)
      await apply(name, value);
    const failures: unknown[] = [];
    const informer = createInformer({
      client: through,
      type: configMaps,
      labelSelector: 'group',
      timing: { backoff: { initialMs: 10, maxMs: 50 } },
      onFailure: (error) => failures.push(error),
    });
    const ended = new AbortController();
    const running = informer.run(ended.signal);
    await informer.whenSynced();
    // Only a list gets through until all of this has happened, and the watch has to begin anew.
    proxy.plan(({ watch }) => (watch ? { kind: 'status', code: 410 } : { kind: 'status', code: 500 }));
    proxy.cutConnections();
    await apply('changed', '2');
    await apply('new', '1');
    await client.delete(configMaps, { name: 'dropped', namespace: 'default' });
    await until(() => failures.some(isExpired));
    const seen: string[] = [];
    let replayed = true;
    informer.onChange((before, after) => {
      if (!replayed) seen.push(`${(after ?? before)!.metadata.name}: ${value(before)} > ${value(after)}`);
    });
    replayed = false;
    proxy.plan(({ watch }) => (watch ? { kind: 'status', code: 500 } : undefined));
    await until(() => seen.length >= 3);
    expect(seen.sort()).toEqual(['changed: 1 > 2', 'dropped: 1 > -', 'new: - > 1']);
    proxy.plan(undefined);
    await apply('new', '2');
    await until(() => seen.length >= 4);
    expect(seen.at(-1)).toBe('new: 1 > 2');
    ended.abort();
    await running;
    await through.close();
    await proxy.stop();
  });

  test('is not stopped by what handlers and the transform throw', async () => {
    const errors: unknown[] = [];
    const informer = createInformer({
      client,
      type: configMaps,
      namespaces: ['default'],
      transform: (object) => {
        if (object.metadata.name === 'odd') throw new Error('transform');
        return object;
      },
      onHandlerError: (error) => errors.push(error),
    });
    const seen: string[] = [];
    informer.onChange(() => {
      throw new Error('handler');
    });
    informer.onChange((_, after) => seen.push(after?.metadata.name ?? ''));
    void informer.run(stopping.signal);
    await informer.whenSynced();
    await apply('odd', '1');
    await until(() => informer.get('default/odd') !== undefined);
    expect(seen).toContain('odd');
    expect(errors.map(String)).toEqual(expect.arrayContaining(['Error: handler', 'Error: transform']));
    expect(informer.problem()).toBeUndefined();
  });
});

function value(object: ConfigMap | undefined): string {
  return object?.data?.['value'] ?? '-';
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
