import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Environment } from '@marcbachmann/cel-js';
import { parse, parseAllDocuments } from 'yaml';
import { clusterPhases } from '../../operator/api/memory-cluster.js';
import { rolloutStateNames } from '../../operator/api/rollout-status.js';
import { validateManifest } from '../../operator/api/validate.js';
import { rolloutStates } from '../../operator/rollout/states.js';
import { packageRoot } from '../harness/local-cluster.js';
import { runLua } from './lua.js';
import { moments, profiles } from './statuses.js';

const folder = join(packageRoot, 'examples', 'gitops');
const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const health = (kind: string, obj: unknown) =>
  runLua(read('argocd', 'customizations', kind, 'health.lua'), obj) as { status: string; message: string };

describe('the moments under test', () => {
  test('are of every phase', () => {
    const phases = new Set(moments().map(({ cluster }) => cluster.status?.phase));
    const wanted = clusterPhases.filter((phase) => phase !== 'Pending' && phase !== 'Terminating');
    expect([...phases]).toEqual(expect.arrayContaining(wanted.filter((phase) => phase !== 'Degraded')));
  });
});

describe('Argo CD', () => {
  test.each(moments())('$name is $argo', ({ cluster, argo }) => {
    const { status, message } = health('MemoryCluster', cluster);
    expect(status).toBe(argo);
    expect(message).not.toBe('');
  });

  test('tells what a canary waits for, and what it cannot see', () => {
    const said = (name: string) =>
      health('MemoryCluster', moments().find((moment) => moment.name === name)!.cluster).message;
    expect(said('Holding')).toMatch(/^1% of the keys at .*step 1\/3/);
    expect(said('metrics stale')).toContain('warning, MetricsStale: ');
    expect(said('canary starved')).toContain('warning, CanaryStarved: too few keys');
    expect(said('rolled back')).toContain('was rolled back');
  });

  test.each(profiles())('a TuningProfile $name is $argo', ({ profile, argo }) => {
    expect(health('TuningProfile', profile).status).toBe(argo);
  });

  test.each([
    ['Progressing', undefined],
    ['Progressing', {}],
    ['Healthy', { outcome: 'Accepted', message: 'promoted' }],
    ['Degraded', { outcome: 'Refused' }],
  ])('a MemoryAction is %s with %j', (wanted, status) => {
    expect(health('MemoryAction', { metadata: {}, status }).status).toBe(wanted);
  });

  test.each(rolloutStateNames)('in %s only the buttons work that the state takes', (state) => {
    const actions = runLua(buttons()['discovery.lua'], { status: { rollout: { state } } }) as Record<
      string,
      { disabled: boolean }
    >;
    const able = Object.keys(actions).filter((name) => !actions[name]!.disabled);
    const legal = rolloutStates[state].commands.filter((name) => name in actions);
    expect(able.sort()).toEqual([...legal].sort());
  });

  test('has every button dark while there is no status', () => {
    expect(Object.values(runLua(buttons()['discovery.lua'], {}) as object)).toEqual(
      Array.from({ length: 5 }, () => ({ disabled: true })),
    );
  });

  test('makes a valid MemoryAction of every button, the same one when pressed twice', () => {
    const { cluster } = moments().find(({ name }) => name === 'Holding')!;
    const names = buttons().definitions.map(({ name, 'action.lua': script }) => {
      const [made, ...more] = runLua(script, cluster) as unknown as { operation: string; resource: never }[];
      expect(more).toEqual([]);
      expect(made!.operation).toBe('create');
      expect(runLua(script, cluster)).toEqual([made]);
      expect(validateManifest(made!.resource)).toMatchObject({
        ok: true,
        resource: { spec: { action: name } },
      });
      return name;
    });
    expect(names).toEqual(['promote', 'abort', 'pause', 'resume', 'retry']);
  });
});

describe('Flux', () => {
  test.each(moments())('$name is $flux', ({ cluster, flux }) => {
    expect(evaluated('MemoryCluster', cluster)).toBe(flux);
  });

  test.each(profiles())('a TuningProfile $name is $flux', ({ profile, flux }) => {
    expect(evaluated('TuningProfile', profile)).toBe(flux);
  });

  test('finds the paths and names of each other', () => {
    const documents = ['operator.yaml', 'operator-kustomization.yaml', 'memory.yaml'].flatMap((file) =>
      parseAllDocuments(read('flux', file)).map((document) => document.toJS() as Named),
    );
    const has = (kind: string, name: string) =>
      documents.some((one) => one.kind === kind && one.metadata.name === name);
    for (const { spec } of documents) {
      for (const { name } of spec.dependsOn ?? []) expect(has('Kustomization', name)).toBe(true);
      for (const { kind, name } of spec.healthChecks ?? []) expect(has(kind, name)).toBe(true);
      if (spec.chartRef !== undefined) expect(has(spec.chartRef.kind, spec.chartRef.name)).toBe(true);
    }
  });
});

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly dependsOn?: readonly { readonly name: string }[];
    readonly healthChecks?: readonly { readonly kind: string; readonly name: string }[];
    readonly chartRef?: { readonly kind: string; readonly name: string };
  };
}

interface Buttons {
  readonly 'discovery.lua': string;
  readonly definitions: readonly { readonly name: string; readonly 'action.lua': string }[];
}

const buttons = () => parse(read('argocd', 'customizations', 'MemoryCluster', 'actions.yaml')) as Buttons;

interface HealthCheck {
  readonly kind: string;
  readonly inProgress: string;
  readonly failed: string;
  readonly current: string;
}

/** What kustomize-controller concludes: the expressions in its order; one that fails for want of a field means "not yet". */
function evaluated(kind: string, resource: object): string {
  const cel = new Environment({ unlistedVariablesAreDyn: true });
  const documents = parseAllDocuments(read('flux', 'memory.yaml')).map((one) => one.toJS() as unknown);
  const checks = (documents as { spec: { healthCheckExprs?: HealthCheck[] } }[]).flatMap(
    ({ spec }) => spec.healthCheckExprs ?? [],
  );
  const check = checks.find((one) => one.kind === kind)!;
  const holds = (expression: string) => cel.evaluate(expression, resource) === true;
  try {
    if (holds(check.inProgress)) return 'InProgress';
    if (holds(check.failed)) return 'Failed';
    return holds(check.current) ? 'Current' : 'InProgress';
  } catch {
    return 'InProgress';
  }
}
