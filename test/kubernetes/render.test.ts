import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { RenderedObject } from '../../operator/platform/kubernetes/render/object.js';
import { wantedClaims } from '../../operator/platform/kubernetes/render/render.js';
import type { ObjectMeta } from '../../operator/runtime/index.js';
import { type Cluster, clusterMissing, installCrds, openCluster } from '../cluster/cluster.js';
import { foreignCrdsAvailable, installForeignCrds } from '../cluster/foreign-crds.js';
import { everyExample, renderOptions, storedCluster, variants, wishOf } from './rendered.js';
import { describeWith, testWith } from '../harness/needs.js';

const suite = describeWith(
  clusterMissing() ??
    (foreignCrdsAvailable() ? undefined : 'the CRDs of add-ons are not in the module cache'),
);

interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: object;
}

suite('what is rendered, on a real API server', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await openCluster();
    await installCrds(cluster);
    await installForeignCrds(cluster);
    for (const args of [
      ['create', 'namespace', 'restricted'],
      ['label', 'namespace', 'restricted', 'pod-security.kubernetes.io/enforce=restricted'],
    ])
      await cluster.kubectl(args);
  });

  afterAll(() => cluster.stop());

  const apply = (objects: readonly object[], ...more: readonly string[]) =>
    cluster.kubectl(
      ['apply', '--server-side', '--field-manager=tori-operator', '--validate=strict', ...more, '-f', '-'],
      objects.map((object) => JSON.stringify(object)).join('\n---\n'),
    );

  test.each(everyExample)(
    '$name is accepted with no field unknown, and a second apply changes nothing',
    async ({ objects }) => {
      expect(await apply(objects())).toMatchObject({ code: 0, stderr: '' });
      const versions = async () => {
        const kinds = [...new Set(objects().map(({ kind }) => kind.toLowerCase()))].join(',');
        const { stdout } = await cluster.kubectl(['get', kinds, '-o', 'json']);
        // Where controllers run they write statuses, which is another version and the same generation.
        return (JSON.parse(stdout) as { items: { metadata: ObjectMeta }[] }).items.map(
          ({ metadata }) => metadata.generation ?? metadata.resourceVersion,
        );
      };
      const before = await versions();
      expect(before.length).toBeGreaterThanOrEqual(objects().length);
      expect(await apply(objects())).toMatchObject({ code: 0 });
      expect(await versions()).toEqual(before);
    },
  );

  test.each(everyExample)('every pod of $name meets the restricted level', async ({ objects }) => {
    const pods = objects().flatMap((object) => podsOf(object, 'restricted'));
    expect(pods.length).toBeGreaterThan(4);
    await apply([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: accountOf(pods[0]!) }]);
    expect(await apply(pods, '--dry-run=server')).toMatchObject({ code: 0, stderr: '' });
  });

  test('that level does refuse: a pod that may gain privileges is not accepted', async () => {
    const [pod] = everyExample[0]!.objects().flatMap((object) => podsOf(object, 'restricted'));
    const spec = structuredClone(pod!.spec) as unknown as { containers: { securityContext: object }[] };
    spec.containers[0]!.securityContext = {
      ...spec.containers[0]!.securityContext,
      allowPrivilegeEscalation: true,
    };
    const { code, stderr } = await apply([{ ...pod!, spec }], '--dry-run=server');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('restricted') });
  });

  test.each([
    ['snapshot.yaml', 'memory'],
    ['restore.yaml', 'recovered'],
  ])('takes the backup example %s, which names the claims that the operator does', async (file, name) => {
    const path = fileURLToPath(new URL(`../../examples/backup/volume-snapshot/${file}`, import.meta.url));
    const args = [
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-o',
      'json',
      '-f',
      path,
    ];
    const { code, stdout, stderr } = await cluster.kubectl(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const manifest = { apiVersion: 'memory.tori.dev/v1alpha1', kind: 'MemoryCluster', metadata: { name } };
    const memory = storedCluster({ ...manifest, spec: { version: '0.1.0' } });
    const claims = wantedClaims({ cluster: memory, tracks: [wishOf(memory, 'stable')] }, renderOptions);
    expect(claimsIn(stdout)).toEqual(new Set(claims.map((claim) => claim.name)));
  });

  test.each(variants)('accepts a cluster $name', async ({ objects }) => {
    expect(await apply(objects(), '--dry-run=server')).toMatchObject({ code: 0, stderr: '' });
  });
});

const promtool = testWith(
  spawnSync('promtool', ['--version']).status === 0 ? undefined : 'promtool is not installed',
);

promtool('the alerts are rules that Prometheus takes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tori-rules-'));
  try {
    const rules = everyExample.flatMap(({ objects }) =>
      objects().filter(({ kind }) => kind === 'PrometheusRule'),
    );
    expect(rules).not.toEqual([]);
    for (const rule of rules) {
      const file = join(folder, 'rules.yaml');
      writeFileSync(file, stringify(rule['spec']));
      expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Names of the claims that kubectl's answer asks for or takes snapshots of. */
function claimsIn(stdout: string): Set<string> {
  return new Set([...stdout.matchAll(/"(data-[a-z0-9-]+)"/g)].map(([, name = '']) => name));
}

/** The pod that a workload makes, without its claims: nothing would bind them here. */
function podsOf(object: RenderedObject, namespace: string) {
  const { template } = (object['spec'] ?? {}) as { readonly template?: PodTemplate };
  if (template === undefined) return [];
  const { name } = object.metadata;
  const data = { name: 'data', emptyDir: {} };
  const spec = template.spec as { readonly volumes: readonly { readonly name: string }[] };
  const volumes = spec.volumes.some((volume) => volume.name === 'data')
    ? spec.volumes
    : [...spec.volumes, data];
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name, namespace },
      // No scheduler admits priority classes that are not there.
      spec: { ...spec, volumes, priorityClassName: '' },
    },
  ];
}

function accountOf(pod: { readonly metadata: { readonly namespace: string }; readonly spec: object }) {
  const { serviceAccountName } = pod.spec as { readonly serviceAccountName: string };
  return { name: serviceAccountName, namespace: pod.metadata.namespace };
}
