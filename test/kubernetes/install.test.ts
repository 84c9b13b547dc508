import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { programs } from '../cluster/binaries.js';
import { type Cluster, clusterMissing, openCluster } from '../cluster/cluster.js';
import { packageRoot } from '../harness/local-cluster.js';
import { chart, helm, manifestsOf, must, run, template, until, type Manifest } from './helm.js';
import { writeSchemas } from './schemas.js';
import { describeWith } from '../harness/needs.js';

const suite = describeWith(clusterMissing());
const crds = ['memoryactions', 'memoryclusters', 'tuningprofiles'].map(
  (plural) => `${plural}.memory.tori.dev`,
);
const scratch = mkdtempSync(join(tmpdir(), 'tori-install-'));
let cluster: Cluster;

const kubectl = (...args: readonly string[]) => must(cluster.kubectl(args));
const release = (...args: readonly string[]) => helm([...args], cluster.kubeconfig);
const install = (...args: readonly string[]) =>
  release('install', 'tori', chart, '--namespace=tori', '--create-namespace', ...args);
/** Waits until our kinds are served: that is some time after Helm made their CRDs. */
async function discovered(): Promise<void> {
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...crds.map((name) => `crd/${name}`));
  await until(
    async () => (await kubectl('api-resources', '--api-group=memory.tori.dev', '--output=name')) !== '',
  );
  await until(async () => (await cluster.kubectl(['get', 'mc,tp,ma', '--all-namespaces'])).code === 0);
}
const names = async (kind: string, ...more: readonly string[]) =>
  (await kubectl('get', kind, '--output=name', '--ignore-not-found', ...more))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('/')[1]!);
const served = async () => (await names('crd')).filter((name) => crds.includes(name));

/**
 * Everything of a test away, the CRDs too; a test begins on a cluster that knows nothing of us. Kubernetes may not notice for
 * minutes that a kind can go which was deleted before it was served, so that is waited for.
 */
async function clean(): Promise<void> {
  if ((await served()).length > 0) await discovered();
  await release('uninstall', 'tori', '--namespace=tori', '--ignore-not-found', '--no-hooks');
  await kubectl('delete', 'crd', '--ignore-not-found', '--timeout=120s', ...crds);
}

suite('on a real API server', () => {
  beforeAll(async () => {
    cluster = await openCluster({ controllers: true });
  });
  afterEach(clean);
  afterAll(async () => {
    await cluster.stop();
    rmSync(scratch, { recursive: true });
  });

  test('helm install makes everything, and NOTES.txt gives the commands that come next', async () => {
    const said = await must(install());
    expect(await served()).toEqual(crds);
    expect(await names('deployment', '--namespace=tori')).toEqual(['tori-tori-memory']);
    expect(await names('role', '--namespace=tori')).toEqual([
      'tori-tori-memory-leader',
      'tori-tori-memory-operator',
    ]);
    const manifest = /<<'EOF'\n(.*?)\n +EOF/s.exec(said)?.[1]?.replaceAll(/^ {7}/gm, '');
    await must(cluster.kubectl(['apply', '--namespace=tori', '--filename=-'], manifest));
    expect(await names('mc,tp', '--namespace=tori')).toEqual(['memory', 'default']);
    expect(said).toContain('kubectl wait -n tori mc/memory --for=condition=Ready');
  });

  test('helm uninstall keeps the CRDs and every MemoryCluster, and none is stuck', async () => {
    await must(install());
    await kubectl('apply', '--namespace=tori', `--filename=${join(packageRoot, 'examples')}`);
    await must(release('uninstall', 'tori', '--namespace=tori', '--no-hooks'));
    expect(await served()).toEqual(crds);
    expect(await names('deployment,role,serviceaccount,networkpolicy', '--namespace=tori')).toEqual([
      'default',
    ]);
    expect(await names('mc', '--namespace=tori')).toContain('memory');
    await kubectl('delete', 'mc,tp', '--all', '--namespace=tori', '--timeout=10s');
    expect(await names('mc', '--namespace=tori')).toEqual([]);
  });

  test('a release that comes after finds its CRDs again, or takes over those of another', async () => {
    await must(install());
    await must(release('uninstall', 'tori', '--namespace=tori', '--no-hooks'));
    const other = ['install', 'other', chart, '--namespace=elsewhere', '--create-namespace'];
    expect((await release(...other)).stderr).toContain('cannot be imported into the current release');
    await must(release(...other, '--take-ownership'));
    await must(release('uninstall', 'other', '--namespace=elsewhere', '--no-hooks'));
  });

  test('a MemoryCluster of the release comes by the second command, and stays or goes as it says', async () => {
    expect((await install('--set=cluster.enabled=true')).stderr).toContain('ensure CRDs are installed first');
    expect(await served()).toEqual([]);
    await must(install());
    const upgrade = ['upgrade', 'tori', chart, '--namespace=tori', '--reuse-values'];
    await must(release(...upgrade, '--set=cluster.enabled=true'));
    expect(await names('mc,tp', '--namespace=tori')).toEqual(['memory', 'default']);
    await must(release(...upgrade, '--set=cluster.enabled=false'));
    expect(await names('mc', '--namespace=tori')).toEqual(['memory']);
    await must(release(...upgrade, '--set=cluster.enabled=true', '--set=cluster.keep=false'));
    await must(release('uninstall', 'tori', '--namespace=tori', '--no-hooks'));
    expect(await names('mc', '--namespace=tori')).toEqual([]);
  });

  test('without crds.keep an uninstall takes the MemoryClusters along, and none is stuck', async () => {
    await must(install('--set=crds.keep=false'));
    await discovered();
    await kubectl('apply', '--namespace=tori', `--filename=${join(packageRoot, 'examples')}`);
    await must(release('uninstall', 'tori', '--namespace=tori', '--no-hooks', '--wait', '--timeout=30s'));
    await kubectl('wait', '--for=delete', '--timeout=30s', ...crds.map((name) => `crd/${name}`));
    expect(await served()).toEqual([]);
  });

  test('a watched namespace gets a role of its own, and the whole cluster only when asked', async () => {
    await cluster.kubectl(['create', 'namespace', 'team-a']);
    await must(install('--set=watchNamespaces={team-a}'));
    const account = 'system:serviceaccount:tori:tori-tori-memory';
    const may = async (verb: string, what: string, namespace: string) =>
      (
        await cluster.kubectl(['auth', 'can-i', verb, what, `--namespace=${namespace}`, `--as=${account}`])
      ).stdout.trim();
    expect(await may('patch', 'statefulsets.apps', 'team-a')).toBe('yes');
    expect(await may('patch', 'statefulsets.apps', 'tori')).toBe('no');
    expect(await may('update', 'leases.coordination.k8s.io/tori-tori-memory-operator', 'tori')).toBe('yes');
    expect(await may('update', 'leases.coordination.k8s.io/of-another', 'tori')).toBe('no');
    expect(await may('list', 'secrets', 'team-a')).toBe('no');
    expect(await may('update', 'memoryclusters.memory.tori.dev', 'team-a')).toBe('no');
    await must(
      release(
        'upgrade',
        'tori',
        chart,
        '--namespace=tori',
        '--set=clusterWide=true',
        '--set-json=watchNamespaces=[]',
      ),
    );
    expect(await may('patch', 'statefulsets.apps', 'default')).toBe('yes');
    expect(await names('role', '--namespace=team-a')).toEqual([]);
  });

  test('release 0.1.0, which had only CRDs, is taken over with what was stored under it', async () => {
    const old = join(scratch, '0.1.0');
    await must(run('mkdir', [old]));
    const snapshot = join(packageRoot, 'test', 'previous', '0.1.0.tgz');
    await must(run('tar', ['-xzf', snapshot, '-C', old]));
    const applied = await cluster.kubectl(['apply', '--server-side', `--filename=${join(old, 'crds')}`]);
    expect(applied.stderr).toContain('"memoryclusters.memory.tori.dev" is invalid');
    expect(applied.stderr).toContain('"tuningprofiles.memory.tori.dev" is invalid');
    expect(await served()).toEqual(['memoryactions.memory.tori.dev']);

    for (const file of readdirSync(join(old, 'crds'))) {
      const path = join(old, 'crds', file);
      const crd: unknown = parse(readFileSync(path, 'utf8'));
      writeFileSync(path, stringify(lenient(crd), { aliasDuplicateObjects: false }));
    }
    await kubectl('apply', '--server-side', `--filename=${join(old, 'crds')}`);
    await kubectl('wait', '--for=condition=Established', `--filename=${join(old, 'crds')}`);
    await kubectl('apply', `--filename=${join(old, 'examples')}`);

    expect((await install()).stderr).toContain('cannot be imported into the current release');
    await must(install('--take-ownership'));
    const stored = JSON.parse(await kubectl('get', 'mc', 'memory', '--output=json')) as {
      spec: { version: string; services: { vault: { replicas: number } } };
    };
    // The new schema's defaults are there, though the object was written without any.
    expect(stored.spec).toMatchObject({ version: '0.1.0', services: { vault: { replicas: 1 } } });
    await kubectl('apply', `--filename=${join(old, 'examples')}`);
    await kubectl('apply', `--filename=${join(packageRoot, 'examples')}`);
  });

  test.each(['namespaced', 'cluster-wide'])(
    'kubectl apply -k %s is accepted, and again changes nothing',
    async (overlay) => {
      const folder = join(packageRoot, 'deploy', 'kubernetes', overlay);
      await kubectl('apply', '--server-side', `--kustomize=${folder}`);
      const before = await kubectl('get', 'deployment', 'tori', '--namespace=tori-system', '--output=yaml');
      const again = await kubectl('apply', '--server-side', `--kustomize=${folder}`);
      expect(again.trim().split('\n').length).toBeGreaterThan(15);
      const version = (text: string) =>
        (parse(text) as { metadata: { generation: number } }).metadata.generation;
      const after = await kubectl('get', 'deployment', 'tori', '--namespace=tori-system', '--output=yaml');
      expect(version(after)).toBe(version(before));
      const diff = await cluster.kubectl(['diff', '--server-side', `--kustomize=${folder}`]);
      expect([diff.code, diff.stdout]).toEqual([0, '']);
      await discovered();
      await kubectl('delete', `--kustomize=${folder}`, '--timeout=60s');
    },
  );

  test('every rendered object fits the schemas that the API server publishes', async () => {
    await must(install());
    await discovered();
    const [kubeconform] = programs('kubeconform');
    const location = await writeSchemas(cluster, join(scratch, 'schemas'));
    const renders = readdirSync(join(chart, 'tests')).filter((file) => file.endsWith('.golden.yaml'));
    const all = renders.map((file) => readFileSync(join(chart, 'tests', file), 'utf8')).join('\n---\n');
    // The Prometheus operator's kinds are not served here; its objects are reviewed in the golden files.
    const args = [
      '-strict',
      '-summary',
      '-output=json',
      '-skip=ServiceMonitor',
      `-schema-location=${location}`,
    ];
    const { stdout } = await run(kubeconform, [...args, '-'], { input: `${all}\n---\n${await template()}` });
    const { resources = [], summary } = JSON.parse(stdout) as Conformity;
    expect(resources).toEqual([]);
    expect(summary).toMatchObject({ invalid: 0, errors: 0, skipped: 1 });
    expect(summary.valid).toBeGreaterThan(60);

    const wrong = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { port: [] }\n';
    expect((await run(kubeconform, [...args, '-'], { input: wrong })).stdout).toContain('additional');
  });

  test('the API server itself would take every rendered object, as restricted pods', async () => {
    await must(install());
    await discovered();
    await kubectl(
      'label',
      'namespace',
      'tori',
      'pod-security.kubernetes.io/enforce=restricted',
      '--overwrite',
    );
    for (const name of ['team-a', 'team-b']) await cluster.kubectl(['create', 'namespace', name]);
    for (const file of readdirSync(join(chart, 'tests')).filter((name) => name.endsWith('.golden.yaml'))) {
      const objects = manifestsOf(readFileSync(join(chart, 'tests', file), 'utf8'));
      const apply = (wanted: readonly Manifest[], ...more: readonly string[]) =>
        cluster.kubectl(
          ['apply', '--server-side', '--force-conflicts', '--filename=-', ...more],
          wanted.map((object) => stringify(object)).join('---\n'),
        );
      // A pod is refused while its account is not there.
      const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount');
      if (accounts.length > 0) await must(apply(accounts));
      const known = objects.filter(({ kind }) => kind !== 'ServiceMonitor');
      const said = await apply(known, '--dry-run=server');
      expect([file, said.code, said.stderr]).toEqual([file, 0, '']);
    }
  });
});

interface Conformity {
  readonly resources?: readonly unknown[];
  readonly summary: { readonly valid: number; readonly [count: string]: number };
}

/** A CRD without defaults, and without the rules that count on them; a property that is called `default` stays. */
function lenient(value: unknown, inProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => lenient(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => inProperties || !['default', 'x-kubernetes-validations'].includes(key))
      .map(([key, inner]) => [key, lenient(inner, key === 'properties')]),
  );
}
