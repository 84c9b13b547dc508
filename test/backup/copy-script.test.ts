import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { programs } from '../cluster/binaries.js';
import { type Cluster, clusterMissing, openCluster } from '../cluster/cluster.js';
import { packageRoot } from '../harness/local-cluster.js';
import { must, run, type Manifest } from '../kubernetes/helm.js';
import { describeWith } from '../harness/needs.js';

const suite = describeWith(clusterMissing());
const script = join(packageRoot, 'examples', 'backup', 'job', 'copy.sh');

suite('copy.sh, with pods that end as the test says', () => {
  let cluster: Cluster;
  const ended = new AbortController();
  /** Service whose copy fails. */
  let failing = '';
  /** What the Jobs ran, in order. */
  let commands: string[] = [];

  const kubectl = (...args: readonly string[]) => must(cluster.kubectl(args));
  const read = async <T>(...args: readonly string[]) =>
    JSON.parse(await kubectl(...args, '--output=json')) as T;
  const copy = (...args: readonly string[]) => {
    const [path] = programs('kubectl');
    const env = { KUBECTL: path, KUBECONFIG: cluster.kubeconfig, NAMESPACE: 'memory', SIZE: '1Gi' };
    return run(script, args, { env });
  };
  const replicas = async (kind: string, namespace: string, name: string) =>
    (await read<{ spec: { replicas: number } }>('get', kind, name, `--namespace=${namespace}`)).spec.replicas;

  /** There is no node: this ends the pods of Jobs in place of a kubelet. */
  async function endPods(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pods = await read<{ items: (Manifest & { spec: Spec; status: { phase: string } })[] }>(
        'get',
        'pods',
        '--namespace=memory',
        '--selector=batch.kubernetes.io/job-name',
      );
      for (const { metadata, spec, status } of pods.items) {
        if (status.phase !== 'Pending') continue;
        commands.push(
          [...spec.containers[0]!.command.slice(2), spec.volumes[0]!.persistentVolumeClaim.claimName].join(
            ' ',
          ),
        );
        const phase = failing !== '' && metadata.name.includes(failing) ? 'Failed' : 'Succeeded';
        const patch = [
          'patch',
          'pod',
          metadata.name,
          '--namespace=memory',
          '--subresource=status',
          '--type=merge',
        ];
        await cluster.kubectl([...patch, `--patch=${JSON.stringify({ status: { phase } })}`]);
      }
      await sleep(200);
    }
  }

  beforeAll(async () => {
    cluster = await openCluster({ controllers: true });
    await kubectl('create', 'namespace', 'memory');
    await kubectl('create', 'namespace', 'tori-system');
    const crd = join(packageRoot, 'crds', 'memory.tori.dev_memoryclusters.yaml');
    await kubectl('apply', '--server-side', `--filename=${crd}`);
    const objects = [
      workload('Deployment', 'tori-system', 'tori', 2),
      ...['vault', 'pruner', 'koopman'].map((name) => workload('StatefulSet', 'memory', `memory-${name}`, 1)),
    ];
    await must(
      cluster.kubectl(['apply', '--filename=-'], objects.map((one) => stringify(one)).join('---\n')),
    );
    const itsLabel = 'app.kubernetes.io/name=tori-memory-operator';
    await kubectl('label', 'deployment', 'tori', '--namespace=tori-system', itsLabel);
    void endPods(ended.signal).catch(() => undefined);
  });
  afterAll(async () => {
    ended.abort();
    await cluster.stop();
  });

  test('copies the graph before the vault, one service at a time, and starts everything again', async () => {
    commands = [];
    const { code, stderr } = await copy('backup', 'memory', 'backups', 'monday');
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    expect(commands).toEqual([
      'backup /data /backup/monday/pruner data-memory-pruner-0',
      'backup /data /backup/monday/koopman data-memory-koopman-0',
      'backup /data /backup/monday/vault data-memory-vault-0',
    ]);
    expect(await replicas('deployment', 'tori-system', 'tori')).toBe(2);
    for (const name of ['vault', 'pruner', 'koopman']) {
      expect(await replicas('statefulset', 'memory', `memory-${name}`)).toBe(1);
    }
  });

  test('starts everything again when a copy fails', async () => {
    failing = 'koopman';
    const { code, stderr } = await copy('backup', 'memory', 'backups', 'tuesday');
    failing = '';
    expect(code).toBe(1);
    expect(stderr).toContain('copy.sh: job memory-koopman-backup failed');
    expect(await replicas('statefulset', 'memory', 'memory-koopman')).toBe(1);
    expect(await replicas('deployment', 'tori-system', 'tori')).toBe(2);
  });

  test('asks which operator is meant when there are two', async () => {
    await kubectl('create', 'deployment', 'other', '--namespace=memory', '--image=none');
    await kubectl(
      'label',
      'deployment',
      'other',
      '--namespace=memory',
      'app.kubernetes.io/name=tori-memory-operator',
    );
    const { code, stderr } = await copy('backup', 'memory', 'backups', 'wednesday');
    await kubectl('delete', 'deployment', 'other', '--namespace=memory');
    expect(code).toBe(1);
    expect(stderr).toContain('name it by OPERATOR_NAMESPACE and OPERATOR');
    expect(await replicas('deployment', 'tori-system', 'tori')).toBe(2);
  });

  test('makes the claims of a new cluster and fills them, and refuses a cluster that exists', async () => {
    commands = [];
    expect(await copy('restore', 'recovered', 'backups', 'monday')).toMatchObject({ code: 0 });
    expect(commands[2]).toBe('restore /backup/monday/vault /data data-recovered-vault-0');
    const claim = await read<{ spec: { resources: { requests: object } } }>(
      'get',
      'pvc',
      'data-recovered-vault-0',
      '--namespace=memory',
    );
    expect(claim.spec.resources.requests).toEqual({ storage: '1Gi' });
    const cluster_ =
      'apiVersion: memory.tori.dev/v1alpha1\nkind: MemoryCluster\nmetadata: { name: there }\nspec: { version: 1.0.0 }\n';
    await must(cluster.kubectl(['apply', '--namespace=memory', '--filename=-'], cluster_));
    const refused = await copy('restore', 'there', 'backups', 'monday');
    expect(refused.stderr).toContain('MemoryCluster there exists');
  });

  test('tells its usage', async () => {
    const { code, stderr } = await copy('backup');
    expect(code).toBe(64);
    expect(stderr).toContain('copy.sh restore CLUSTER CLAIM FOLDER');
  });
});

interface Spec {
  readonly containers: readonly { readonly command: readonly string[] }[];
  readonly volumes: readonly { readonly persistentVolumeClaim: { readonly claimName: string } }[];
}

/** Something whose pods are made and never run. */
function workload(kind: string, namespace: string, name: string, replicas: number): object {
  const labels = {
    app: name,
    'app.kubernetes.io/component': 'operator',
    'app.kubernetes.io/part-of': 'tori-memory',
  };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      replicas,
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'none' }] } },
    },
  };
}
