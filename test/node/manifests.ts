import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { packageRoot } from '../harness/local-cluster.js';

/** A manifest of one of our kinds. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

function readExample(name: string): string {
  return readFileSync(join(packageRoot, 'examples', `${name}.yaml`), 'utf8');
}

/** The example of a MemoryCluster, with a canary that goes through its steps in seconds. */
export function memory(change: { version?: string; progressDeadline?: string; bus?: object } = {}): Manifest {
  const { progressDeadline = '3m', ...spec } = change;
  const example = parse(readExample('memorycluster')) as Manifest;
  const rollout = {
    steps: [
      { weight: 20, hold: '5s', minSamples: 5, minSleeps: 0 },
      { weight: 100, hold: '5s', minSamples: 5, minSleeps: 0 },
    ],
    analysis: {
      interval: '2s',
      window: '20s',
      metrics: [
        { name: 'errorRatio', tolerance: 0.3, limit: 0.9, onNoData: 'pass' },
        { name: 'mismatchRatio', tolerance: 0, limit: 0, onNoData: 'pass' },
      ],
      failureBudget: { window: '20s', ratio: 0.5, consecutive: 4 },
    },
    onFail: 'rollback',
    progressDeadline,
  };
  const monitoring = { interval: '2s', staleAfter: '30s' };
  return { ...example, spec: { ...example.spec, monitoring, rollout, ...spec } };
}

/** The profile that the example refers to, with the rules of the quick start, which act after a few sleeps. */
export function profile(): Manifest {
  const quick = parseAllDocuments(readExample('quickstart'))
    .map((document) => document.toJS() as Manifest)
    .find(({ kind }) => kind === 'TuningProfile');
  return { ...quick!, metadata: { name: 'default' } };
}

/** A pod of the image that runs the tori command against the memory's gateway, under the restricted standard. */
export function toriPod(name: string, apiKey: string, ...args: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'tori',
          image: 'localhost/tori-memory:test',
          command: ['tori', ...args],
          env: [
            { name: 'TORI_URL', value: 'http://memory-gateway:8787/mcp' },
            { name: 'TORI_API_KEY', value: apiKey },
          ],
          securityContext: {
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
