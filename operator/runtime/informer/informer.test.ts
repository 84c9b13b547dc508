import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../../../test/cluster/binaries.js';
import { startControlPlane, type ControlPlane } from '../../../test/cluster/control-plane.js';
import { ApiClient } from '../client/api-client.js';
import { loadConnection } from '../client/load-connection.js';
import type { KubeObject } from '../client/objects.js';
import { metadataOf, resourceType } from '../client/resource-type.js';
import { byLabel } from './indexes.js';
import { createInformer } from './informer.js';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');
const missing = controlPlaneMissing();
const describeWithCluster = missing === undefined ? describe : describe.skip;

describeWithCluster(`informer${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
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
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
