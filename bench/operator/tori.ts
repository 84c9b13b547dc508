import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourceType, type KubeObject } from '../../operator/runtime/index.js';
import { packageRoot } from '../../test/harness/local-cluster.js';
import { nameOf, type Contender } from './contender.js';

const namespace = 'bench-tori';

interface MemoryCluster extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Our operator; its clusters' services are answered for at a port. */
export function tori(servicesPort: number): Contender {
  const manifest = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return {
    name: 'TORI Memory',
    version,
    namespace,
    userAgents: ['tori-operator'],
    resource: resourceType('memory.tori.dev/v1alpha1', 'MemoryCluster', 'memoryclusters'),
    children: [
      resourceType('apps/v1', 'Deployment', 'deployments'),
      resourceType('apps/v1', 'StatefulSet', 'statefulsets'),
      resourceType('v1', 'Service', 'services'),
      resourceType('v1', 'ConfigMap', 'configmaps'),
      resourceType('v1', 'Secret', 'secrets'),
      resourceType('v1', 'ServiceAccount', 'serviceaccounts'),
      resourceType('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
      resourceType('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
    ],
    prepare: (arena) => arena.apply('--server-side', '-f', join(packageRoot, 'crds')),
    program: ({ kubeconfig, folder }) =>
      Promise.resolve({
        path: process.execPath,
        // As in the chart.
        args: ['--max-semi-space-size=2', join(packageRoot, 'dist', 'bench', 'operator', 'operator-main.js')],
        env: {
          KUBECONFIG: kubeconfig,
          WATCH_NAMESPACE: '',
          POD_NAME: 'bench',
          POD_NAMESPACE: namespace,
          METRICS_PORT: '0',
          STATE_DIR: join(folder, 'state'),
          TORI_IMAGE: 'ghcr.io/tori-memory/tori-memory',
          BENCH_SERVICES_PORT: String(servicesPort),
        },
      }),
    manifest: (index) => cluster(index),
    settled: (object) => isReady(object),
  };
}

function isReady({ metadata, status }: MemoryCluster): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
  );
}

function cluster(index: number): KubeObject {
  const manifest = {
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: nameOf(index), namespace },
    spec: { version: '1.0.0' },
  };
  return manifest;
}
