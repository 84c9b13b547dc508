import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildImages } from '../../cluster/node/images.js';
import { nodeMissing } from '../../cluster/node/node.js';
import { Load } from '../../harness/load.js';
import { chart } from '../../kubernetes/helm.js';
import { memory, profile } from '../../node/manifests.js';
import { is, startMemoryOnNode, type MemoryOnNode } from '../../node/memory-on-node.js';
import type { Report } from '../report.js';

/** What a memory on a real node has to live through beside the journey of `npm test`. */
export async function node(report: Report): Promise<void> {
  const missing = nodeMissing();
  if (missing !== undefined) throw new Error(`the node suite cannot run here: ${missing}`);
  buildImages('tori', 'redis', 'coredns', 'pause');
  const on = await startMemoryOnNode();
  const load = await installed(on);
  try {
    await operatorKilled(report, on, load);
    await rebooted(report, on, load);
    await restored(report, on, load);
    await redisKilled(report, on, load);
  } finally {
    await load.stop();
    await load.close();
    await on.stop();
  }
}

async function installed(on: MemoryOnNode): Promise<Load> {
  await on.helm('install', 'tori', chart, '--wait', '--timeout=5m');
  await on.apply(profile(), memory());
  await on.until('Ready', (now) => is(now, 'Ready'), 6);
  return new Load(await on.target(), 1, 'node');
}

/** A canary while both operators are killed again and again. */
async function operatorKilled(report: Report, on: MemoryOnNode, load: Load): Promise<void> {
  load.start(2, 50);
  const first = (await on.memory()).status?.rollout?.stableRevision;
  await on.apply(memory({ version: '0.1.1' }));
  let kills = 0;
  const promoted = async () => {
    const newest = (await on.memory()).status?.rollout?.history[0];
    return newest?.outcome === 'Promoted' && newest.revision !== first;
  };
  while (!(await promoted()) && kills < 40) {
    await on.kubectl(
      'delete',
      'pod',
      '-l',
      'app.kubernetes.io/component=operator',
      '--force',
      '--grace-period=0',
    );
    kills++;
    await sleep(8_000);
  }
  await load.stop();
  report.check('a canary is promoted though the operators are killed', await promoted(), `${kills} kills`);
  await audit(report, load, 'after the kills of the operator');
}

/** Every process of the node is killed at once. */
async function rebooted(report: Report, on: MemoryOnNode, load: Load): Promise<void> {
  load.start(2, 50);
  await load.written(20);
  const start = Date.now();
  await on.node.reboot();
  await on.node.ready();
  await load.written(10);
  report.figure(
    'from the cut to the first acknowledged puts',
    `${Math.round((Date.now() - start) / 1000)} s`,
  );
  await on.until('Ready after the reboot', (now) => is(now, 'Ready'), 5);
  await load.stop();
  await audit(report, load, 'after the node was cut off');
}

/** A snapshot of the vault's volume at one instant, as a storage driver takes it, becomes the volume of a new memory. */
async function restored(report: Report, on: MemoryOnNode, load: Load): Promise<void> {
  const claim = 'data-memory-vault-0';
  const folderOf = async () =>
    join(on.node.volumes, await on.kubectl('get', 'pvc', claim, '-o', 'jsonpath={.spec.volumeName}'));
  load.start(2, 50);
  await load.written(20);
  const uid = await on.kubectl('get', 'pod', 'memory-vault-0', '-o', 'jsonpath={.metadata.uid}');
  const backup = join(on.node.machine.folder, 'backup');
  const pids = on.node.pidsOf(uid);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const acknowledged = load.acknowledged.size;
  cpSync(await folderOf(), backup, { recursive: true });
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  await load.stop();

  await on.kubectl('delete', 'memorycluster', 'memory');
  await on.kubectl('wait', 'pod', '-l', 'memory.tori.dev/cluster=memory', '--for=delete', '--timeout=180s');
  const spec = JSON.parse(await on.kubectl('get', 'pvc', claim, '-o', 'json')) as {
    spec: { resources: object };
  };
  await on.kubectl('delete', 'pvc', '--all');
  await on.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: claim },
    spec: { accessModes: ['ReadWriteOnce'], resources: spec.spec.resources },
  });
  await on.kubectl('wait', `pvc/${claim}`, '--for=jsonpath={.status.phase}=Bound', '--timeout=60s');
  cpSync(backup, await folderOf(), { recursive: true });
  await on.apply(memory({ version: '0.1.1' }));
  await on.until('Ready on the restored volume', (now) => is(now, 'Ready'), 5);
  const kept = [...load.acknowledged.values()].slice(0, acknowledged);
  load.acknowledged.clear();
  for (const episode of kept) load.acknowledged.set(episode.id, episode);
  await load.moveTo(await on.target());
  await audit(report, load, 'on a volume restored from a snapshot');
}

/** The managed Redis as the bus, killed while episodes arrive; its lag drains. */
async function redisKilled(report: Report, on: MemoryOnNode, load: Load): Promise<void> {
  await on.apply(memory({ version: '0.1.1', bus: { driver: 'redis' } }));
  await on.until('Ready with Redis', (now) => is(now, 'Ready'), 5);
  await on.kubectl('rollout', 'status', 'statefulset/memory-redis', '--timeout=120s');
  load.start(2, 50);
  await load.written(20);
  await on.kubectl('delete', 'pod', 'memory-redis-0', '--force', '--grace-period=0');
  await on.kubectl('rollout', 'status', 'statefulset/memory-redis', '--timeout=120s');
  await load.written(20);
  await load.stop();
  const lag = async () => {
    const script = `fetch('http://memory-vault:9091/metrics').then((r) => r.text()).then((t) => console.log(t))`;
    const metrics = await on.kubectl('exec', 'deployment/memory-gateway', '--', 'node', '-e', script);
    const values = metrics.split('\n').filter((line) => line.startsWith('bus_relay_lag_events'));
    return values.length === 0 ? NaN : Math.max(...values.map((line) => Number(line.split(' ').at(-1))));
  };
  let last = await lag();
  for (let waited = 0; last !== 0 && waited < 60; waited++) {
    await sleep(1_000);
    last = await lag();
  }
  report.check('the lag of the relay drains after Redis was killed', last === 0, last);
  await audit(report, load, 'after Redis was killed');
}

async function audit(report: Report, load: Load, when: string): Promise<void> {
  const { acknowledged, equal, wrong } = await load.audit(4);
  report.check(
    `every acknowledged episode is there and equal, ${when}`,
    equal === acknowledged && acknowledged > 20,
    `${equal} of ${acknowledged} ${wrong.join(' ')}`,
  );
}
