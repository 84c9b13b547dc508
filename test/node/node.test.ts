import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request } from 'undici';
import { stringify } from 'yaml';
import { buildImages } from '../cluster/node/images.js';
import { nodeMissing, startNode, type KubernetesNode } from '../cluster/node/node.js';
import { describeWith } from '../harness/needs.js';

const missing = nodeMissing();
const onNode = describeWith(missing);

const minutes = 60_000;

/** A server that keeps one file on its claim, under the restricted pod security standard. */
const server = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    serviceName: 'web',
    replicas: 2,
    podManagementPolicy: 'Parallel',
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: {
          runAsNonRoot: true,
          fsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'web',
            image: 'localhost/tori-memory:test',
            command: [
              'node',
              '-e',
              `const fs = require('fs');
               const file = '/data/starts';
               fs.appendFileSync(file, 'x');
               require('http').createServer((_, answer) => answer.end(process.version + ' ' + fs.statSync(file).size)).listen(8080);`,
            ],
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
  },
};

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
};

onNode(`a node of one's own, with the production image`, () => {
  let node: KubernetesNode;

  beforeAll(async () => {
    buildImages('tori', 'coredns', 'pause');
    node = await startNode();
    node.load('tori');
    await node.apply([server, service].map((object) => stringify(object)).join('---\n'));
    await node.kubectl('rollout', 'status', 'statefulset/web', '--timeout=180s');
  }, 20 * minutes);

  afterAll(() => node.stop(), 2 * minutes);

  const inPod = (...command: string[]) => node.kubectl('exec', 'web-0', '--', ...command);

  test('runs the image as a user without rights, on a root that cannot be written', async () => {
    expect(await inPod('id')).toMatch(/^uid=65532\(tori\) gid=65532\(tori\)/);
    await expect(inPod('touch', '/app/x')).rejects.toThrow(/Read-only file system/);
    expect(await inPod('tori', 'version')).toMatch(/tori +\d+\.\d+\.\d+/);
    expect(await inPod('node', '--version')).toMatch(/^v24\./);
  });

  test('keeps the image free of tools and tests of development', async () => {
    const all = (await inPod('ls', '/app', '/app/dist', '/app/node_modules')).split('\n');
    for (const absent of ['test', 'bench', 'typescript', 'jest']) expect(all).not.toContain(absent);
    const [archive] = buildImages('tori');
    expect(statSync(archive!).size).toBeLessThan(400 * 1024 * 1024);
  });

  test('a Service is reached by name from a pod, and by address from this machine', async () => {
    const script = `fetch('http://web.default.svc.cluster.local').then((r) => r.text()).then(console.log)`;
    expect(await inPod('node', '-e', script)).toMatch(/^v24\.\S+ 1\n/);
    const address = await node.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
    const answer = await request(`http://${address}`);
    expect(await answer.body.text()).toMatch(/^v24\./);
  });

  test(
    'a pod that was killed comes back with its data, and logs can be read',
    async () => {
      await node.kubectl('delete', 'pod', 'web-0', '--force', '--grace-period=0');
      await node.kubectl('rollout', 'status', 'statefulset/web', '--timeout=180s');
      expect(await inPod('cat', '/data/starts')).toBe('xx');
      expect(await node.kubectl('logs', 'web-0')).toBe('');
    },
    5 * minutes,
  );

  test(
    'pods outlive a restart of containerd and kubelet, and come back after the machine was cut off',
    async () => {
      const started = () =>
        node.kubectl(
          'get',
          'pods',
          '-l',
          'app=web',
          '-o',
          'jsonpath={.items[*].status.containerStatuses[*].containerID}',
        );
      const before = await started();
      await node.restartServices();
      await node.ready();
      expect(await started()).toBe(before);
      await node.reboot();
      for (let waited = 0; (await started()) === before && waited < 180; waited++) await sleep(1000);
      await node.kubectl('rollout', 'status', 'statefulset/web', '--timeout=180s');
      expect(await inPod('cat', '/data/starts')).toBe('xxx');
    },
    8 * minutes,
  );

  test(
    'a claim goes with its workload only where that was asked for',
    async () => {
      const folders = () => readdirSync(node.volumes);
      expect(folders()).toHaveLength(2);
      await node.kubectl('delete', 'statefulset', 'web', '--wait');
      for (let waited = 0; folders().length > 0 && waited < 120; waited++) await sleep(500);
      expect(folders()).toEqual([]);
      expect(await node.kubectl('get', 'pvc', '-o', 'name')).toBe('');
    },
    3 * minutes,
  );

  test(
    'leaves no process, interface, mount or control group behind',
    async () => {
      const { folder, controlGroup } = node.machine;
      await node.stop();
      const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });
      expect(run('ps', '-eo', 'args')).not.toContain(folder);
      expect(run('ip', 'link')).not.toContain(node.machine.network.interface);
      expect(run('cat', '/proc/mounts')).not.toContain(folder);
      const groups = readdirSync('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name, controlGroup));
      for (const group of groups) expect(() => statSync(group)).toThrow(/ENOENT|ENOTDIR/);
    },
    2 * minutes,
  );
});
