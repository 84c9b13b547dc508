import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { crdOf } from '../../operator/api/crd.js';
import { crdFiles, crdTemplates } from '../../operator/api/crd-files.js';
import { definitions } from '../../operator/api/definitions.js';
import { controlPlaneMissing, programs } from '../cluster/binaries.js';
import { expectGolden } from '../harness/golden.js';
import { packageRoot } from '../harness/local-cluster.js';
import { chart, helm, manifestsOf, run, template } from './helm.js';
import { describeWith } from '../harness/needs.js';

const cases = readdirSync(join(chart, 'tests'))
  .filter((file) => file.endsWith('.values.yaml'))
  .map((file) => file.replace('.values.yaml', ''));
const valuesOf = (name: string) => `--values=${join(chart, 'tests', `${name}.values.yaml`)}`;
const suite = describeWith(controlPlaneMissing());

describe('generated files', () => {
  test.each([
    ['crds', crdFiles()],
    ['helm/tori-memory/templates/crds', crdTemplates()],
    ['deploy/kubernetes/base', new Map([['crds.yaml', [...crdFiles().values()].join('---\n')]])],
  ])('%s holds what operator/api says; else run npm run gen:crds', (folder, files) => {
    const path = join(packageRoot, folder);
    expect(readdirSync(path)).toEqual(expect.arrayContaining([...files.keys()]));
    for (const [name, text] of files) expect(readFileSync(join(path, name), 'utf8')).toBe(text);
  });
});

suite('the chart', () => {
  test.each(cases)('renders %s as reviewed', async (name) => {
    const text = await template(valuesOf(name), '--set=crds.install=false');
    expectGolden(join(chart, 'tests', `${name}.golden.yaml`), text);
  });

  test.each(cases)('passes helm lint with %s', async (name) => {
    const { code, stdout } = await helm(['lint', '--strict', '--kube-version=1.34.0', valuesOf(name), chart]);
    expect(stdout).toContain('0 chart(s) failed');
    expect(code).toBe(0);
  });

  test('carries the CRDs of the API, and keeps them', async () => {
    const crds = manifestsOf(await template()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crds).toHaveLength(definitions.length);
    for (const definition of definitions) {
      const wanted = crdOf(definition) as { metadata: { name: string } };
      const rendered = crds.find(({ metadata }) => metadata.name === wanted.metadata.name);
      const annotations = { 'helm.sh/resource-policy': 'keep' };
      expect(rendered).toEqual({ ...wanted, metadata: { ...wanted.metadata, annotations } });
    }
  });

  test('leaves the CRDs out, or lets them go, where that is wanted', async () => {
    expect(await template('--set=crds.install=false')).not.toContain('CustomResourceDefinition');
    expect(await template('--set=crds.keep=false')).not.toContain('resource-policy');
  });

  test('is what the plain manifests were rendered from; else run npm run gen:manifests', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'tori-manifests-'));
    const script = join(packageRoot, 'scripts', 'gen-manifests.sh');
    expect(await run(script, [scratch])).toMatchObject({ code: 0, stderr: '' });
    const files = readdirSync(scratch, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.yaml'),
    );
    expect(files).toHaveLength(5);
    for (const file of files) {
      const committed = readFileSync(join(packageRoot, 'deploy', 'kubernetes', file), 'utf8');
      expect(readFileSync(join(scratch, file), 'utf8')).toBe(committed);
    }
    rmSync(scratch, { recursive: true });
  });

  test('has the version of the package as its appVersion', () => {
    const version = (file: string) =>
      parse(readFileSync(join(packageRoot, file), 'utf8')) as { version: string; appVersion?: string };
    expect(version('helm/tori-memory/Chart.yaml').appVersion).toBe(version('package.json').version);
  });

  test('documents every value', () => {
    const readme = readFileSync(join(chart, 'README.md'), 'utf8');
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object;
    const documented = (parent: string, leaf: string) =>
      readme.includes(`\`${parent}${leaf}\``) || new RegExp(`\`${parent}.*\`${leaf}\``).test(readme);
    expect(undocumented(values, documented)).toEqual([]);
  });

  test('has no value that the schema does not know, nor the other way round', () => {
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Schema;
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema;
    expect(differences(values, schema)).toEqual(['global: no default']);
  });

  test('never writes a wildcard into a role', async () => {
    for (const name of cases) {
      const roles = manifestsOf(await template(valuesOf(name))).filter(({ kind }) => kind.endsWith('Role'));
      for (const { rules } of roles) expect(JSON.stringify(rules)).not.toContain('*');
    }
  });

  test('has nothing that kube-score objects to', async () => {
    const [path] = programs('kube-score');
    const everything = await template(valuesOf('everything'), '--set=crds.install=false');
    const { stdout } = await run(path, ['score', '--output-format=ci', ...exceptions, '-'], {
      input: everything,
    });
    expect(stdout).toContain('[OK]');
    expect(stdout.split('\n').filter((line) => /^\[(CRITICAL|WARNING)\]/.test(line))).toEqual([]);
  });
});

/** Checks of kube-score that do not fit, and why. */
const exceptions = [
  // A released tag never moves, and an operator must be able to start while the registry cannot be reached.
  '--ignore-test=container-image-pull-policy',
];

suite('values that are wrong', () => {
  const wrong: readonly [string, string][] = [
    ['operator.replicas=-1', '/operator/replicas'],
    ['operator.replicas=two', '/operator/replicas'],
    ['operator.replica=3', "'/operator'.*'replica'"],
    ['operator.logLevel=loud', '/operator/logLevel'],
    ['operator.workers=0', '/operator/workers'],
    ['operator.extraEnv[0].name=WATCH_NAMESPACE', '/operator/extraEnv/0/name'],
    ['operator.extraEnv[0].name=MALLOC_ARENA_MAX', '/operator/extraEnv/0/name'],
    ['operator.stateSize=much', '/operator/stateSize'],
    ['operator.resources.limits.memory=lots', '/operator/resources/limits/memory'],
    ['image.repository=ghcr.io/x/y:1.0', '/image/repository'],
    ['image.digest=sha256:12', '/image/digest'],
    ['image.pullPolicy=Sometimes', '/image/pullPolicy'],
    ['watchNamespaces=team-a', '/watchNamespaces'],
    ['watchNamespaces[0]=Team_A', '/watchNamespaces/0'],
    ['clusterWide=yes', '/clusterWide'],
    ['crds.keep=1', '/crds/keep'],
    ['metrics.serviceMonitor.interval=30', '/metrics/serviceMonitor/interval'],
    ['cluster.name=a-name-that-is-longer-than-thirty-six-c', '/cluster/name'],
    ['podDisruptionBudget.maxUnavailable=0', '/podDisruptionBudget/maxUnavailable'],
    ['replicas=3', "'replicas'"],
  ];
  test.each(wrong)('%s is refused by name', async (value, field) => {
    const { code, stderr } = await helm(['template', chart, '--kube-version=1.34.0', `--set=${value}`]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(new RegExp(field));
  });

  test.each([
    [['clusterWide=true', 'watchNamespaces[0]=a'], 'watchNamespaces and clusterWide exclude each other'],
    [['serviceAccount.create=false'], 'serviceAccount.name is needed'],
    [
      ['metrics.service.enabled=false', 'metrics.serviceMonitor.enabled=true'],
      'metrics.serviceMonitor.enabled needs metrics.service.enabled',
    ],
  ])('%j is refused with the reason', async (values, reason) => {
    const args = values.map((value) => `--set=${value}`);
    await expect(template(...args)).rejects.toThrow(reason);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [field: string]: unknown;
}

/** Paths of values for which neither they nor what holds them is documented. */
function undocumented(
  values: object,
  documented: (parent: string, leaf: string) => boolean,
  parent = '',
): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (documented(parent, key)) return [];
    return isObject(value) && Object.keys(value).length > 0
      ? undocumented(value, documented, `${parent}${key}.`)
      : [`${parent}${key}`];
  });
}

function differences(values: Schema, schema: Schema, path = ''): string[] {
  const properties = schema.properties ?? {};
  const unknown = Object.keys(values).filter((key) => properties[key] === undefined);
  return [
    ...unknown.map((key) => `${path}${key}: not in the schema`),
    ...Object.entries(properties).flatMap(([key, inner]) => {
      const value = values[key];
      if (value === undefined) return [`${path}${key}: no default`];
      return inner.properties === undefined ? [] : differences(value as Schema, inner, `${path}${key}.`);
    }),
  ];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
