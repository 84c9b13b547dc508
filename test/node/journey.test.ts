import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createMcp } from '../../lib/mcpClient/index.js';
import { programs } from '../cluster/binaries.js';
import { buildImages } from '../cluster/node/images.js';
import { nodeMissing } from '../cluster/node/node.js';
import { Load } from '../harness/load.js';
import { packageRoot } from '../harness/local-cluster.js';
import { chart } from '../kubernetes/helm.js';
import {
  is,
  namespace,
  startMemoryOnNode,
  type MemoryOnNode,
  type MemoryResource,
} from './memory-on-node.js';
import { memory, profile, toriPod } from './manifests.js';
import { describeWith } from '../harness/needs.js';

const missing = nodeMissing();
const onNode = describeWith(missing);

const minute = 60_000;

onNode('a memory on a real node, from helm install to helm uninstall', () => {
  let on: MemoryOnNode;
  let load: Load | undefined;

  beforeAll(async () => {
    buildImages('tori', 'redis', 'coredns', 'pause');
    on = await startMemoryOnNode();
  }, 20 * minute);

  afterAll(async () => {
    await load?.stop();
    await load?.close();
    await on.stop();
  }, 2 * minute);

  let broken = false;

  /** A test that the later ones build on: after a failure they would only bury it. */
  function chapter(name: string, atMostMinutes: number, work: () => Promise<void>): void {
    test(
      name,
      async () => {
        if (broken) throw new Error('an earlier chapter failed');
        broken = true;
        await work();
        broken = false;
      },
      atMostMinutes * minute,
    );
  }

  const newest = ({ status }: MemoryResource) => status?.rollout?.history[0];
  const example = (name: string) => join(packageRoot, 'examples', `${name}.yaml`);

  /** Every episode that was acknowledged so far is there and equal. */
  async function nothingIsLost(): Promise<void> {
    const audit = await load!.audit(4);
    expect(audit).toEqual({
      acknowledged: audit.acknowledged,
      found: audit.acknowledged,
      equal: audit.acknowledged,
      wrong: [],
    });
    expect(audit.acknowledged).toBeGreaterThan(20);
  }

  /** Works while episodes are written all the time. */
  async function underLoad(work: () => Promise<void>): Promise<void> {
    load!.start(2, 50);
    try {
      await work();
    } finally {
      await load!.stop();
    }
  }

  chapter('helm install and kubectl apply of the example give a memory that is Ready', 12, async () => {
    await on.helm('install', 'tori', chart, '--wait', '--timeout=5m', '--set=tests.cluster=memory');
    await on.kubectl('apply', '-f', example('tuningprofile'), '-f', example('memorycluster'));
    await on.until('Ready', (now) => is(now, 'Ready'), 6);
    const printed = await on.kubectl('get', 'mc,tp');
    expect(printed).toMatch(/^memorycluster\S*\/memory +True +Ready +0\.1\.0 +\w+/m);
    expect(printed).toMatch(/^tuningprofile\S*\/default +/m);
    load = new Load(await on.target(), 1, 'journey');
  });

  chapter('helm test passes, and put-get-loop does from a pod and through a port-forward', 5, async () => {
    expect(await on.helm('test', 'tori', '--timeout=2m')).toMatch(/Phase: +Succeeded/);
    const { apiKey } = await on.target();
    await on.apply(toriPod('check', apiKey, 'put-get-loop', '50'));
    await on.kubectl('wait', 'pod/check', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=120s');
    expect(await on.kubectl('logs', 'check')).toMatch(/^put +50 /im);
    const inGateway = ['exec', 'deployment/memory-gateway', '--'];
    expect(await on.kubectl(...inGateway, 'scripts/health-check.sh', 'mcp-gateway')).toMatch(/^OK /);
    const [kubectl] = programs('kubectl');
    const forward = spawn(kubectl, [
      ...['--kubeconfig', on.node.cluster.kubeconfig, '--namespace', namespace],
      ...['port-forward', 'service/memory-gateway', ':8787'],
    ]);
    const [line] = (await once(createInterface(forward.stdout), 'line')) as [string];
    const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    const mcp = createMcp({ url: `http://127.0.0.1:${port}/mcp`, apiKey });
    await mcp('memory.put', { id: 'forwarded', episodeBlob: { concepts: { forwarded: 1 } } });
    expect((await mcp('memory.get', { id: 'forwarded' })).concepts).toEqual({ forwarded: 1 });
    await mcp.close();
    forward.kill();
  });

  chapter('pods that are killed lose nothing that was acknowledged', 6, async () => {
    await underLoad(async () => {
      for (const name of ['memory-vault', 'memory-pruner']) {
        await load!.written(20);
        await on.kubectl('delete', 'pod', `${name}-0`, '--force', '--grace-period=0');
        await on.kubectl('rollout', 'status', `statefulset/${name}`, '--timeout=120s');
        await load!.written(20);
      }
    });
    await nothingIsLost();
  });

  chapter('a rolling update of the gateway drops no request', 5, async () => {
    const refused = load!.unacknowledged;
    await underLoad(async () => {
      await load!.written(20);
      await on.kubectl('rollout', 'restart', 'deployment/memory-gateway');
      await on.kubectl('rollout', 'status', 'deployment/memory-gateway', '--timeout=180s');
      await load!.written(20);
    });
    expect(load!.unacknowledged).toBe(refused);
    await nothingIsLost();
  });

  chapter('a new version goes through a canary and is promoted', 8, async () => {
    await on.apply(memory());
    const first = (await on.memory()).status?.rollout?.stableRevision;
    await underLoad(async () => {
      await on.apply(memory({ version: '0.1.1' }));
      const promoted = (now: MemoryResource) =>
        newest(now)?.revision !== first && now.status?.canary === undefined;
      await on.until('promoted', promoted, 6);
    });
    const after = await on.memory();
    expect(newest(after)).toMatchObject({ kind: 'Spec', outcome: 'Promoted' });
    await on.until('Ready', (now) => is(now, 'Ready'));
    await nothingIsLost();
    const image = 'jsonpath={.spec.template.spec.containers[0].image}';
    expect(await on.kubectl('get', 'statefulset', 'memory-vault', '-o', image)).toMatch(/:0\.1\.1$/);
    expect(await on.kubectl('get', 'statefulset,deployment,pvc', '-o', 'name')).not.toMatch(/canary/);
  });

  chapter('a version whose image is bad is rolled back, and stable never notices', 6, async () => {
    const restarts = ({ status }: MemoryResource) =>
      status?.services.filter(({ track }) => track === 'stable').map(({ restarts: count }) => count ?? 0);
    const before = restarts(await on.memory());
    await underLoad(async () => {
      await on.apply(memory({ version: '0.9.9', progressDeadline: '30s' }));
      await on.until('rolled back', (now) => newest(now)?.outcome === 'RolledBack', 5);
    });
    const after = await on.memory();
    expect(newest(after)?.reason).toMatch(/image|ready|0\.9\.9/i);
    expect(after.status?.rollout?.rejectedRevisions).toHaveLength(1);
    expect(restarts(after)).toEqual(before);
    await nothingIsLost();
    await on.apply(memory({ version: '0.1.1' }));
    await on.until('Ready', (now) => is(now, 'Ready'));
  });

  chapter('a TuningProfile changes the learning rate from live metrics, without a restart', 8, async () => {
    await on.apply(profile());
    const uid = [
      'get',
      'pod',
      '-l',
      'memory.tori.dev/service=sleep',
      '-o',
      'jsonpath={.items[*].metadata.uid}',
    ];
    const pods = await on.kubectl(...uid);
    const tuned = ({ status }: MemoryResource) => status?.tuning?.parameters.learningRate;
    await on.withGateway(async (mcp) => {
      for (let cycle = 0; tuned(await on.memory())?.source !== 'Tuner' && cycle < 60; cycle++) {
        for (let k = 0; k < 10; k++)
          await mcp('memory.put', {
            episodeBlob: { concepts: { tuned: 1, [`theme-${k % 3}`]: 0.8, [`c-${k}`]: 0.5 } },
          });
        await mcp('memory.sleep', { once: true });
      }
    });
    await on.until('tuned', (now) => tuned(now)?.source === 'Tuner', 1);
    const value = tuned(await on.memory())?.value;
    expect(value).not.toBe(0.01);
    const stored = await on.kubectl('get', 'configmap', 'memory-parameters-stable', '-o', 'json');
    expect(Object.values((JSON.parse(stored) as { data: object }).data).map(Number)).toContain(value);
    expect(await on.kubectl('get', 'events')).toMatch(/learningRate/);
    expect(await on.kubectl(...uid)).toBe(pods);
  });

  chapter('helm upgrade keeps the memory as it is', 6, async () => {
    const before = await on.memory();
    await on.helm(
      'upgrade',
      'tori',
      chart,
      '--reuse-values',
      '--set=operator.logLevel=debug',
      '--wait',
      '--timeout=4m',
    );
    await on.until('Ready', (now) => is(now, 'Ready'));
    const after = await on.memory();
    expect(after.status?.rollout?.stableRevision).toBe(before.status?.rollout?.stableRevision);
    expect(newest(after)).toEqual(newest(before));
    await nothingIsLost();
  });

  chapter('helm uninstall leaves the memory serving, and a new install takes it over', 8, async () => {
    await on.helm('uninstall', 'tori', '--wait', '--timeout=3m');
    await nothingIsLost();
    const claims = await on.kubectl('get', 'pvc', '-o', 'name');
    // Without the operator, and without the memory's pods, the episodes are on their volumes.
    await on.kubectl('delete', 'memorycluster', 'memory');
    await on.kubectl('wait', 'pod', '-l', 'memory.tori.dev/cluster=memory', '--for=delete', '--timeout=180s');
    expect(await on.kubectl('get', 'pvc', '-o', 'name')).toBe(claims);
    await on.helm('install', 'tori', chart, '--wait', '--timeout=4m');
    await on.apply(memory({ version: '0.1.1' }));
    await on.until('Ready', (now) => is(now, 'Ready'), 5);
    await load!.moveTo(await on.target());
    await nothingIsLost();
  });
});
