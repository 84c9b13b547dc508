import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourceType, type KubeObject } from '../../operator/runtime/index.js';
import { packageRoot } from '../../test/harness/local-cluster.js';
import { programs } from '../../test/cluster/binaries.js';
import { inParallel } from './parallel.js';
import { nameOf, type Arena, type Contender } from './contender.js';

const namespace = 'bench-flagger';
const deployments = resourceType('apps/v1', 'Deployment', 'deployments');

interface Canary extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** Flagger with canaries that need no service mesh, at the interval of its own examples. */
export function flagger(): Contender {
  const version = flaggerVersion();
  return {
    name: 'Flagger',
    version,
    namespace,
    userAgents: ['flagger/'],
    resource: resourceType('flagger.app/v1beta1', 'Canary', 'canaries'),
    children: [deployments, resourceType('v1', 'Service', 'services')],
    async prepare(arena) {
      const module = `github.com/fluxcd/flagger@${version}`;
      const answer = execFileSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8' });
      const { Dir: folder } = JSON.parse(answer) as { Dir: string };
      await arena.apply('-f', join(folder, 'charts', 'flagger', 'crds', 'crd.yaml'));
      await inParallel(arena.count, (index) =>
        arena.client.apply(deployments, target(index), { fieldManager: 'bench' }),
      );
    },
    program: (arena) => Promise.resolve({ path: programs('flagger')[0], args: flags(arena) }),
    manifest: (index) => canary(index),
    settled: (object) => (object as Canary).status?.phase === 'Initialized',
  };
}

function flags({ kubeconfig }: Arena): string[] {
  return [
    `-kubeconfig=${kubeconfig}`,
    '-mesh-provider=kubernetes',
    '-metrics-server=http://127.0.0.1:1',
    '-log-level=info',
    '-port=0',
  ];
}

function flaggerVersion(): string {
  const script = readFileSync(join(packageRoot, 'test', 'cluster', 'build.sh'), 'utf8');
  const version = /flagger\/cmd\/flagger@(v[0-9.]+)/.exec(script)?.[1];
  if (version === undefined) throw new Error('test/cluster/build.sh names no version of flagger');
  return version;
}

function target(index: number): KubeObject {
  const name = nameOf(index);
  const manifest = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080, name: 'http' }] }],
        },
      },
    },
  };
  return manifest;
}

function canary(index: number): KubeObject {
  const name = nameOf(index);
  const manifest = {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name, namespace },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: 80, targetPort: 8080 },
      analysis: { interval: '1m', threshold: 5, iterations: 10 },
    },
  };
  return manifest;
}
