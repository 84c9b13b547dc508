import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
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
  const { flags, malloc } = memorySettings();
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
        args: [...flags, join(packageRoot, 'dist', 'bench', 'operator', 'operator-main.js')],
        env: {
          ...malloc,
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

const deploymentSchema = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({
            command: z.array(z.string()),
            env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
          }),
        ]),
      }),
    }),
  }),
});

/** How the operator's memory is set when it is installed: flags of Node, and the variables of the C library. */
function memorySettings() {
  const file = join(packageRoot, 'deploy', 'kubernetes', 'base', 'operator.yaml');
  const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS() as unknown);
  const deployment = objects
    .map((one) => deploymentSchema.safeParse(one))
    .find(({ success }) => success)?.data;
  if (deployment === undefined) throw new Error(`${file} has no Deployment of one container`);
  const [{ command, env }] = deployment.spec.template.spec.containers;
  const ofMalloc = env.filter(({ name }) => name.startsWith('MALLOC_'));
  return {
    flags: command.filter((argument) => argument.startsWith('--')),
    malloc: Object.fromEntries(ofMalloc.map(({ name, value = '' }) => [name, value])),
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
