import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { crdOf } from '../../operator/api/crd.js';
import { definitions } from '../../operator/api/definitions.js';
import { problemText, validateManifest } from '../../operator/api/validate.js';
import { type Cluster, clusterMissing, installCrds, openCluster } from '../cluster/cluster.js';
import { anyManifest } from '../manifests/any-manifest.js';
import { wrongManifests } from '../manifests/wrong.js';
import { describeWith } from '../harness/needs.js';

const examples = new URL('../../examples/', import.meta.url);
const exampleFiles = readdirSync(examples).filter((name) => name.endsWith('.yaml'));
const exampleDocuments = exampleFiles.flatMap((name) =>
  parseAllDocuments(readFileSync(new URL(name, examples), 'utf8')).map(
    (document) => document.toJS() as Manifest,
  ),
);

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

const missing = clusterMissing();
const suite = describeWith(missing);

suite('the CRDs on a real API server', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await openCluster();
    await installCrds(cluster);
    await cluster.kubectl(['create', 'namespace', 'dry']);
  });

  afterAll(() => cluster.stop());

  /** What the API server says of a manifest without storing it: the object with its defaults, or the refusal. */
  async function verdictOf(yaml: string): Promise<{ readonly object?: Manifest; readonly refusal: string }> {
    const args = ['create', '--dry-run=server', '--validate=strict', '-n', 'dry', '-o', 'json', '-f', '-'];
    const { code, stdout, stderr } = await cluster.kubectl(args, yaml);
    return code === 0 ? { object: JSON.parse(stdout) as Manifest, refusal: '' } : { refusal: stderr };
  }

  test('are established with every rule inside the cost budget', async () => {
    const { stdout } = await cluster.kubectl(['get', 'crd', '-o', 'json']);
    const { items } = JSON.parse(stdout) as {
      items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[];
    };
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(
      definitions.map(({ plural }) => `${plural}.memory.tori.dev`).sort(),
    );
    for (const { status } of items) {
      const conditions = Object.fromEntries(status.conditions.map((one) => [one.type, one.status]));
      expect(conditions).toMatchObject({ Established: 'True', NamesAccepted: 'True' });
      expect(conditions).not.toMatchObject({ NonStructuralSchema: 'True' });
    }
  });

  test.each(exampleFiles)('examples/%s applies', async (name) => {
    const file = new URL(name, examples).pathname;
    const { code, stderr } = await cluster.kubectl(['apply', '--server-side', '-f', file]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
  });

  test('a client-side apply of the CRDs fits into its annotation', () => {
    for (const definition of definitions) {
      expect(JSON.stringify(crdOf(definition)).length).toBeLessThan(200 * 1024);
    }
  });

  test.each(wrongManifests)('refuses $name, at the same path as the local platform', async (wrong) => {
    const { object, refusal } = await verdictOf(wrong.yaml);
    expect(object).toBeUndefined();
    expect(blames(refusal, wrong.path)).toBe(true);
    expect(validateManifest(parse(wrong.yaml)).ok).toBe(false);
  });

  test.each(exampleDocuments)(
    'defaults of $kind $metadata.name are those of the local platform',
    async (one) => {
      const { object, refusal } = await verdictOf(stringify(one));
      const local = validateManifest(one);
      expect({ refusal, ok: local.ok }).toEqual({ refusal: '', ok: true });
      expect(object!.spec).toEqual(local.ok && local.resource.spec);
    },
  );

  test('a second apply of the same manifest changes nothing', async () => {
    const apply = async () => {
      for (const document of exampleDocuments)
        await cluster.kubectl(['apply', '--server-side', '-f', '-'], stringify(document));
      const { stdout } = await cluster.kubectl(['get', 'mc,tp', '-o', 'json']);
      return (JSON.parse(stdout) as { items: unknown[] }).items;
    };
    const first = await apply();
    expect(first.length).toBeGreaterThan(2);
    expect(await apply()).toEqual(first);
    const { code, stdout } = await cluster.kubectl(['diff', '--server-side', '-f', examples.pathname]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  test('any manifest gets the same verdict and the same defaults from both', async () => {
    await fc.assert(
      fc.asyncProperty(anyManifest, async (manifest) => {
        const local = validateManifest(manifest);
        const { object, refusal } = await verdictOf(JSON.stringify(manifest));
        const reasons = local.ok ? '' : local.problems.map(problemText).join('\n');
        expect({ ok: object !== undefined, refusal, reasons }).toMatchObject({ ok: local.ok });
        if (local.ok) expect(object!.spec).toEqual(local.resource.spec);
      }),
      { numRuns: 120, seed: 4 },
    );
  });

  test('what cannot be changed is refused when it is changed', async () => {
    const manifest = (spec: object) =>
      stringify({
        apiVersion: 'memory.tori.dev/v1alpha1',
        kind: 'MemoryCluster',
        metadata: { name: 'changed' },
        spec: { version: '1', ...spec },
      });
    const vault = (volume: object) => manifest({ services: { vault: { volume } } });
    const apply = (yaml: string) => cluster.kubectl(['apply', '--server-side', '-f', '-'], yaml);
    expect(await apply(vault({ size: '1Gi', storageClassName: 'fast' }))).toMatchObject({ code: 0 });
    expect(await apply(vault({ size: '1024Mi', storageClassName: 'fast' }))).toMatchObject({ code: 0 });
    expect(await apply(vault({ size: '1.5Gi', storageClassName: 'fast' }))).toMatchObject({ code: 0 });
    for (const [yaml, reason] of [
      [vault({ size: '1Gi', storageClassName: 'fast' }), /volume\.size: .*can grow but not shrink/],
      [vault({ size: '2Gi', storageClassName: 'slow' }), /volume\.storageClassName: .*cannot be changed/],
      [vault({ size: '2Gi' }), /cannot be changed/],
      [
        manifest({ storage: { engine: 'postgres', postgresSecret: { name: 'pg', key: 'url' } } }),
        /storage\.engine: .*cannot be changed/,
      ],
    ] as const) {
      expect(await apply(yaml)).toMatchObject({ code: 1, stderr: expect.stringMatching(reason) });
    }
  });

  test('every field of spec is explained', async () => {
    const { stdout } = await cluster.kubectl(['explain', 'mc.spec.services.gateway.exposure']);
    expect(stdout).toContain('How clients outside the cluster reach the gateway.');
    expect(stdout).toContain('Host name of the Ingress or HTTPRoute.');
  });

  test('a canary reads well in `kubectl get`', async () => {
    const started = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const status = {
      observedGeneration: 1,
      phase: 'Canary',
      message: '1% of the keys at f00f00f00f, step 1/3',
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          lastTransitionTime: started,
          reason: 'CanaryHolding',
          message: 'holds',
        },
      ],
      services: [],
      canary: {
        revision: 'f00f00f00f',
        weight: '1%',
        step: '1/3',
        hold: '48h',
        verdict: 'pass',
        stepStartedAt: started,
        eligibleAt: '2030-01-01T00:00:00Z',
      },
    };
    const patched = await cluster.kubectl([
      ...['patch', 'mc', 'memory', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })],
    ]);
    expect(patched).toMatchObject({ code: 0 });
    const { stdout } = await cluster.kubectl(['get', 'mc', 'memory']);
    const [header, row] = stdout.trim().split('\n');
    expect(header!.split(/\s+/)).toEqual([
      ...[
        'NAME',
        'READY',
        'PHASE',
        'VERSION',
        'STABLE',
        'CANARY',
        'WEIGHT',
        'STEP',
        'HELD',
        'OF',
        'VERDICT',
        'AGE',
      ],
    ]);
    expect(row).toMatch(/^memory +True +Canary +0\.1\.0 +f00f00f00f +1% +1\/3 +3h(0m)? +48h +pass +\d+s$/);
    const wide = await cluster.kubectl(['get', 'tori', '-o', 'wide']);
    expect(wide.stdout).toContain('2030-01-01T00:00:00Z');
    expect(wide.stdout).toContain('tuningprofile.memory.tori.dev/default');
  });
});

/**
 * Whether a refusal names a path. kubectl itself refuses a kind or version that the server does not have, and says so in
 * words of its own.
 */
function blames(refusal: string, path: string): boolean {
  if (['kind', 'apiVersion'].includes(path)) return refusal.includes('no matches for kind');
  return refusal.includes(path);
}
