import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { wrongManifests } from '../../test/manifests/wrong.js';
import { localProblems } from './local.js';
import type { MemoryAction } from './memory-action.js';
import type { MemoryCluster } from './memory-cluster.js';
import { problemText, validateManifest } from './validate.js';

const example = (name: string) =>
  parseAllDocuments(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')).map(
    (document) => document.toJS() as unknown,
  );

function accepted(document: unknown) {
  const result = validateManifest(document);
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.resource;
}

describe('validateManifest', () => {
  test.each(['quickstart.yaml', 'memorycluster.yaml', 'tuningprofile.yaml'])(
    'accepts examples/%s',
    (name) => {
      for (const document of example(name)) accepted(document);
    },
  );

  test('fills the defaults of the contract', () => {
    const { spec } = accepted({
      apiVersion: 'memory.tori.dev/v1alpha1',
      kind: 'MemoryCluster',
      metadata: { name: 'm' },
      spec: { version: '1' },
    }) as MemoryCluster;
    expect(spec.rollout.steps.map(({ weight, hold }) => [weight, hold])).toEqual([
      [1, '48h'],
      [50, '1h'],
      [100, '10m'],
    ]);
    expect(spec.rollout.steps.map(({ minSleeps }) => minSleeps)).toEqual([3, 3, 3]);
    expect(spec.routing.key).toBe('episode');
    expect(spec.services.gateway.replicas).toBe(1);
    expect(spec.storage).toEqual({ engine: 'lmdb', deletionPolicy: 'Retain' });
  });

  test('leaves the document alone and drops status and server fields', () => {
    const document = Object.freeze({
      apiVersion: 'memory.tori.dev/v1alpha1',
      kind: 'MemoryCluster',
      metadata: Object.freeze({ name: 'm', managedFields: [], resourceVersion: '7' }),
      spec: Object.freeze({ version: '1' }),
      status: { phase: 'Ready' },
    });
    const resource = accepted(document);
    expect(resource).not.toHaveProperty('status');
    expect(resource.metadata).toEqual({ name: 'm', resourceVersion: '7' });
    expect(document.spec).toEqual({ version: '1' });
  });

  test('is idempotent: a resource it gave back passes unchanged', () => {
    for (const document of [...example('quickstart.yaml'), ...example('tuningprofile.yaml')]) {
      const once = accepted(document);
      expect(accepted(once)).toEqual(once);
    }
  });

  test.each(wrongManifests)('refuses $name', ({ yaml, path, reason }) => {
    const result = validateManifest(parse(yaml));
    expect(result.ok).toBe(false);
    const problems = result.ok ? [] : result.problems;
    const found = problems.find((problem) => problem.path === path);
    expect({ wanted: path, problems, found: found !== undefined }).toMatchObject({ found: true });
    expect(found?.reason).toMatch(reason);
    expect(problemText(found!)).toMatch(/(Invalid|Required) value: /);
  });

  test.each([undefined, null, 3, 'text', [], [1], {}, { kind: 7 }, { kind: 'MemoryCluster', spec: null }])(
    'refuses %j without throwing',
    (document) => expect(validateManifest(document).ok).toBe(false),
  );

  test('says a problem as kubectl does', () => {
    const result = validateManifest({
      apiVersion: 'memory.tori.dev/v1alpha1',
      kind: 'MemoryCluster',
      metadata: { name: 'm' },
      spec: { version: '1', rollout: { steps: [{ weight: 1 }, { weight: 0.5 }] } },
    });
    expect(result.ok ? [] : result.problems.map(problemText)).toContain(
      'spec.rollout.steps[1].weight: Invalid value: 0.5: must be of type integer',
    );
  });

  test('keeps a MemoryAction as it was made', () => {
    const made = (reason: string) => ({
      apiVersion: 'memory.tori.dev/v1alpha1',
      kind: 'MemoryAction',
      metadata: { name: 'a' },
      spec: { action: 'promote', target: { name: 'm' }, reason },
    });
    const stored = accepted(made('good')) as MemoryAction;
    expect(validateManifest(made('good'), stored).ok).toBe(true);
    const changed = validateManifest(made('better'), stored);
    expect(changed.ok ? [] : changed.problems.map(({ path, reason }) => [path, reason])).toEqual([
      ['spec', 'a MemoryAction cannot be changed; make a new one'],
    ]);
  });
});

test('the quick start runs on the local platform', () => {
  const [cluster] = example('quickstart.yaml').map(accepted);
  expect(localProblems(cluster as MemoryCluster)).toEqual([]);
});

test('one machine can use a Redis that somebody runs', () => {
  const cluster = accepted({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'm' },
    spec: { version: '1', bus: { driver: 'redis', redisSecret: { name: 'redis', key: 'url' } } },
  }) as MemoryCluster;
  expect(localProblems(cluster)).toEqual([]);
});

test('localProblems names every field that one machine cannot honour', () => {
  const cluster = accepted(
    parse(`
apiVersion: memory.tori.dev/v1alpha1
kind: MemoryCluster
metadata: { name: m }
spec:
  version: "1"
  storage: { engine: postgres, postgresSecret: { name: pg, key: url } }
  bus: { driver: redis }
  monitoring: { prometheus: { url: 'http://prometheus:9090' } }
  services:
    sleep: { image: 'registry/sleep:1' }
    gateway:
      replicas: 2
      autoscaling: { maxReplicas: 4 }
      service: { type: NodePort }
      exposure: { type: Ingress, host: m.example.org }
`),
  ) as MemoryCluster;
  expect(localProblems(cluster).map(({ path }) => path)).toEqual([
    'spec.services.sleep.image',
    'spec.services.gateway.replicas',
    'spec.storage.engine',
    'spec.bus.driver',
    'spec.monitoring.prometheus.url',
    'spec.services.gateway.autoscaling.maxReplicas',
    'spec.services.gateway.service.type',
    'spec.services.gateway.exposure.type',
  ]);
});
