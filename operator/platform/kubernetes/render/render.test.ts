import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { everyExample, renderOptions, storedCluster, wishOf } from '../../../../test/kubernetes/rendered.js';
import { effectiveParameters } from '../../../cluster/parameters.js';
import { templateOf } from '../../../cluster/revision.js';
import type { Track } from '../../../cluster/workloads.js';
import type { RenderInput, RenderOptions } from './input.js';
import { appliedAnnotation } from './names.js';
import type { RenderedObject } from './object.js';
import { render, wantedClaims } from './render.js';

const golden = (name: string) => new URL(`goldens/${name}.golden.yaml`, import.meta.url);
const format = { version: '1.1', lineWidth: 120, aliasDuplicateObjects: false } as const;

test.each(everyExample)(
  '$name is rendered as its golden file says (UPDATE_GOLDENS=1 writes it)',
  ({ name, objects }) => {
    const text = objects()
      .map((object) => stringify(object, format))
      .join('---\n');
    if (process.env['UPDATE_GOLDENS'] === '1' || !existsSync(golden(name))) writeFileSync(golden(name), text);
    expect(readFileSync(golden(name), 'utf8')).toBe(text);
  },
);

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly {
      readonly image: string;
      readonly env: readonly {
        readonly name: string;
        readonly value?: string;
        readonly valueFrom?: object;
      }[];
      readonly resources: object;
    }[];
  };
}
interface WorkloadSpec {
  readonly replicas?: number;
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: Template;
  readonly volumeClaimTemplates?: readonly {
    readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
  }[];
}

const clusterOf = (spec: object, metadata: object = {}) =>
  storedCluster({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'm', ...metadata },
    spec: { version: '1', ...spec },
  });

const inputOf = (spec: object, tracks: readonly Track[] = ['stable', 'canary']): RenderInput => {
  const cluster = clusterOf(spec);
  return { cluster, tracks: tracks.map((track) => wishOf(cluster, track)) };
};

const of = (spec: object, options: RenderOptions = renderOptions) => render(inputOf(spec), options);

const workloadsOf = (objects: readonly RenderedObject[]) =>
  new Map(
    objects
      .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment')
      .map((object) => [object.metadata.name, object['spec'] as WorkloadSpec]),
  );
const templatesOf = (objects: readonly RenderedObject[]) =>
  new Map([...workloadsOf(objects)].map(([name, { template }]) => [name, template]));
const find = (objects: readonly RenderedObject[], kind: string, name: string) =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

describe('what is rendered', () => {
  test('has a name and labels that fit, for the longest name of a cluster', () => {
    const cluster = clusterOf({ bus: { driver: 'redis' } }, { name: 'a'.repeat(36) });
    const objects = render(
      { cluster, tracks: [wishOf(cluster, 'stable'), wishOf(cluster, 'canary')] },
      renderOptions,
    );
    for (const { kind, metadata } of objects) {
      expect(metadata.name.length).toBeLessThanOrEqual(63);
      // A StatefulSet puts `<name>-<hash of 10>` into a label of its pods.
      if (kind === 'StatefulSet') expect(metadata.name.length).toBeLessThanOrEqual(52);
      for (const value of Object.values(metadata.labels)) expect(value.length).toBeLessThanOrEqual(63);
    }
  });

  test('belongs to the cluster, once by kind and name, and carries nothing of its labels and annotations', () => {
    const cluster = clusterOf(
      {},
      {
        labels: { 'app.kubernetes.io/instance': 'argo' },
        annotations: { 'argocd.argoproj.io/tracking-id': 'x' },
      },
    );
    const objects = render({ cluster, tracks: [wishOf(cluster, 'stable')] }, renderOptions);
    expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).size).toBe(
      objects.length,
    );
    for (const object of objects) {
      expect(object.metadata).toMatchObject({
        namespace: 'default',
        labels: { 'memory.tori.dev/cluster': 'm', 'app.kubernetes.io/managed-by': 'tori-memory' },
        ownerReferences: [{ kind: 'MemoryCluster', name: 'm', uid: cluster.metadata.uid, controller: true }],
      });
      expect(JSON.stringify(object)).not.toMatch(/app\.kubernetes\.io\/instance|tracking-id/);
    }
  });

  test('is the same for the same input, and its hash tells one input from another', () => {
    const hashes = (spec: object) =>
      of(spec).map(({ metadata }) => metadata.annotations[appliedAnnotation] ?? '');
    const plain = hashes({});
    expect(hashes({})).toEqual(plain);
    for (const hash of plain) expect(hash).toMatch(/^[0-9a-f]{16}$/);
    const other = hashes({ services: { sleep: { env: { LOG_LEVEL: 'debug' } } } });
    expect(other.filter((hash) => !plain.includes(hash))).not.toEqual([]);
  });

  test('is plain JSON: no field is undefined', () => {
    for (const object of of({ bus: { driver: 'redis' } }))
      expect(JSON.parse(JSON.stringify(object))).toStrictEqual(object);
  });
});

describe('what restarts pods', () => {
  test('a tuned value does not: it is in a ConfigMap that pods read when they start', () => {
    const cluster = clusterOf({});
    const tracks = (tuned: { learningRate?: number }) => {
      const parameters = effectiveParameters({ template: templateOf(cluster.spec), tuned });
      return [{ ...wishOf(cluster, 'stable'), parameters }];
    };
    const before = render({ cluster, tracks: tracks({}) }, renderOptions);
    const after = render({ cluster, tracks: tracks({ learningRate: 0.005 }) }, renderOptions);
    expect(templatesOf(after)).toEqual(templatesOf(before));
    expect(find(before, 'ConfigMap', 'm-parameters-stable')).toMatchObject({
      data: { LEARNING_RATE: '0.01' },
    });
    expect(find(after, 'ConfigMap', 'm-parameters-stable')).toMatchObject({
      data: { LEARNING_RATE: '0.005' },
    });
  });

  test('a new revision does, of every service; of the gateway only when it changes itself', () => {
    const template = (spec: object, name: string) => templatesOf(of(spec)).get(name);
    const services = (env: object) => ({ services: { koopman: { env } } });
    const changed = services({ LOG_LEVEL: 'debug' });
    expect(template(changed, 'm-vault')).not.toEqual(template({}, 'm-vault'));
    expect(template(changed, 'm-gateway')).toEqual(template({}, 'm-gateway'));
    expect(template({ version: '2' }, 'm-gateway')?.spec.containers[0]?.image).toBe(
      'registry.example.org/tori-memory:2',
    );
  });

  test('a text that is no number goes to the one service that has it, which refuses it by name', () => {
    const templates = templatesOf(of({ services: { sleep: { env: { PRUNE_L1_THRESHOLD: 'much' } } } }));
    const variable = (name: string) =>
      templates.get(name)?.spec.containers[0]?.env.find((one) => one.name === 'PRUNE_L1_THRESHOLD');
    expect(variable('m-sleep')).toEqual({ name: 'PRUNE_L1_THRESHOLD', value: 'much' });
    expect(variable('m-pruner')).toMatchObject({
      valueFrom: { configMapKeyRef: { key: 'PRUNE_L1_THRESHOLD' } },
    });
  });
});

describe('pods', () => {
  test('are found by no selector but their own, whatever labels a person adds', () => {
    const labels = { 'memory.tori.dev/service': 'vault', team: 'memory' };
    const workloads = workloadsOf(of({ services: { sleep: { pod: { labels } } }, bus: { driver: 'redis' } }));
    for (const [name, { template }] of workloads) {
      const selecting = [...workloads].filter(([, { selector }]) =>
        Object.entries(selector.matchLabels).every(([key, value]) => template.metadata.labels[key] === value),
      );
      expect(selecting.map(([other]) => other)).toEqual([name]);
    }
    expect(workloads.get('m-sleep')?.template.metadata.labels).toMatchObject({ team: 'memory' });
  });

  test('name no variable twice', () => {
    for (const { spec } of templatesOf(of({ services: { sleep: { env: { ANNEAL_T0: '3' } } } })).values()) {
      const names = spec.containers.flatMap(({ env }) => env.map(({ name }) => name));
      expect(names).toEqual([...new Set(names)]);
    }
  });

  test('prefer hosts without another of them, also where a person has rules about nodes', () => {
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }],
      },
    };
    const podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [] };
    const affinityOf = (affinity: object) => {
      const { spec } = templatesOf(of({ services: { gateway: { pod: { affinity } } } })).get('m-gateway')!;
      return (spec as unknown as { affinity: object }).affinity;
    };
    const podAffinityTerm: unknown = expect.objectContaining({ topologyKey: 'kubernetes.io/hostname' });
    const term = { weight: 100, podAffinityTerm };
    const apart = { preferredDuringSchedulingIgnoredDuringExecution: [term] };
    expect(affinityOf({ nodeAffinity })).toEqual({ nodeAffinity, podAntiAffinity: apart });
    expect(affinityOf({ podAntiAffinity })).toEqual({ podAntiAffinity });
  });

  test('get our resources as far as the spec does not speak of them', () => {
    const resources = (wanted: object) =>
      templatesOf(of({ services: { vault: { resources: wanted } } })).get('m-vault')?.spec.containers[0]
        ?.resources;
    expect(resources({ requests: { memory: '8Gi' } })).toEqual({
      requests: { cpu: '100m', memory: '8Gi', 'ephemeral-storage': '64Mi' },
      limits: { 'ephemeral-storage': '1Gi' },
    });
    expect(resources({ limits: { cpu: '2' } })).toMatchObject({
      requests: { memory: '256Mi' },
      limits: { cpu: '2', memory: '1Gi' },
    });
  });

  test('have as long to end as their drain and their stores need', () => {
    const grace = (name: string, services: object) =>
      (templatesOf(of({ services })).get(name)?.spec as { terminationGracePeriodSeconds?: number })
        .terminationGracePeriodSeconds;
    expect(grace('m-vault', {})).toBe(30);
    expect(grace('m-vault', { vault: { env: { DRAIN_TIMEOUT_MS: '90500' } } })).toBe(111);
    expect(grace('m-vault', { vault: { env: { DRAIN_TIMEOUT_MS: 'soon' } } })).toBe(30);
    expect(grace('m-gateway', {})).toBe(35);
  });
});

describe('the gateway', () => {
  test('alone has no disruption budget, which would hold up every drain of its node', () => {
    expect(of({}).some(({ kind }) => kind === 'PodDisruptionBudget')).toBe(false);
    expect(
      find(of({ services: { gateway: { replicas: 2 } } }), 'PodDisruptionBudget', 'm-gateway'),
    ).toMatchObject({
      spec: { maxUnavailable: 1 },
    });
  });

  test('leaves its number to the autoscaler', () => {
    const objects = of({ services: { gateway: { autoscaling: { maxReplicas: 4 } } } });
    expect(workloadsOf(objects).get('m-gateway')).not.toHaveProperty('replicas');
    expect(find(objects, 'HorizontalPodAutoscaler', 'm-gateway')).toMatchObject({
      spec: { minReplicas: 2, maxReplicas: 4, scaleTargetRef: { name: 'm-gateway' } },
    });
    expect(find(objects, 'PodDisruptionBudget', 'm-gateway')).toBeDefined();
  });

  test('behind a load balancer does not show its metrics there', () => {
    const objects = of({ services: { gateway: { service: { type: 'LoadBalancer' } } } });
    const ports = (name: string) =>
      (find(objects, 'Service', name)?.['spec'] as { ports: { name: string }[] }).ports.map(
        ({ name }) => name,
      );
    expect(ports('m-gateway')).toEqual(['http']);
    expect(ports('m-gateway-metrics')).toEqual(['metrics']);
  });

  test('is not doubled by the canary', () => {
    const names = [...workloadsOf(of({})).keys()];
    expect(names.filter((name) => name.includes('gateway'))).toEqual(['m-gateway']);
    expect(names.filter((name) => name.endsWith('-canary')).length).toBe(4);
  });
});

describe('kinds that may be missing', () => {
  const everything = {
    monitoring: { serviceMonitor: true, prometheusRule: true },
    services: {
      gateway: {
        exposure: { type: 'Route', host: 'm.example.org', grpcHost: 'g.example.org', gateway: { name: 'g' } },
      },
    },
  };
  const none = { serviceMonitor: false, prometheusRule: false, httpRoute: false, grpcRoute: false };
  const optional = ['ServiceMonitor', 'PrometheusRule', 'HTTPRoute', 'GRPCRoute'];
  const kinds = (options: RenderOptions) =>
    of(everything, options)
      .map(({ kind }) => kind)
      .filter((kind) => optional.includes(kind));

  test('are rendered where the server has them', () => {
    expect(kinds(renderOptions).sort()).toEqual([...optional].sort());
  });

  test('are left out where it does not', () =>
    expect(kinds({ ...renderOptions, capabilities: none })).toEqual([]));
});

describe('volumes', () => {
  test('grow by their claims: the template of a StatefulSet that exists stays as it is', () => {
    const input = inputOf({ services: { vault: { volume: { size: '50Gi' } } } }, ['stable']);
    const rendered = render({ ...input, claimTemplateSizes: { 'm-vault': '10Gi' } }, renderOptions);
    const size = (name: string) =>
      workloadsOf(rendered).get(name)?.volumeClaimTemplates?.[0]?.spec.resources.requests.storage;
    expect([size('m-vault'), size('m-pruner')]).toEqual(['10Gi', '10Gi']);
    expect(wantedClaims(input, renderOptions)).toEqual([
      { name: 'data-m-vault-0', size: '50Gi' },
      { name: 'data-m-pruner-0', size: '10Gi' },
      { name: 'data-m-koopman-0', size: '10Gi' },
    ]);
  });

  test('go with the cluster only where the spec says so', () => {
    const policy = (spec: object) =>
      find(of(spec), 'StatefulSet', 'm-vault')?.['spec'] as { persistentVolumeClaimRetentionPolicy: object };
    expect(policy({}).persistentVolumeClaimRetentionPolicy).toEqual({
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
    expect(
      policy({ storage: { deletionPolicy: 'Delete' } }).persistentVolumeClaimRetentionPolicy,
    ).toMatchObject({
      whenDeleted: 'Delete',
    });
  });
});

test('Redis is run only where the redis driver has no Secret of its own', () => {
  const redis = (bus: object) => find(of({ bus }), 'StatefulSet', 'm-redis');
  expect(redis({})).toBeUndefined();
  expect(redis({ driver: 'redis', redisSecret: { name: 'r', key: 'url' } })).toBeUndefined();
  expect(redis({ driver: 'redis' })).toBeDefined();
});
