import { setTimeout as sleep } from 'node:timers/promises';
import { Load, seededRandom } from '../../harness/load.js';
import { startLocalCluster, type LocalCluster } from '../../harness/local-cluster.js';
import type { Report } from '../report.js';

const kills = 24;

/** `kill -9` of every process in turn and at random, under load; counts acknowledged against found and equal. */
export async function killUnderLoad(report: Report): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  report.figure('seed', seed);
  const random = seededRandom(seed);
  const cluster = await startLocalCluster();
  const load = new Load(cluster, seed, 'kill');
  const killed = new Map<string, number>();
  try {
    load.start(4);
    for (let kill = 0; kill < kills; kill++) {
      await sleep(1_000 + 2_000 * random());
      const names = [...cluster.pids().keys()];
      // The first round takes every process once; then chance decides.
      const victim = kill < names.length ? names[kill]! : names[Math.floor(random() * names.length)]!;
      killOne(cluster, victim);
      killed.set(victim, (killed.get(victim) ?? 0) + 1);
    }
    await load.stop();
    report.figure('killed', [...killed].map(([name, times]) => `${name} ${times}`).join(', '));
    report.check(
      'every process came back',
      await allBack(cluster, [...killed.keys()]),
      [...cluster.pids().keys()].length,
    );
    const audit = await load.audit();
    report.figure('puts that were not acknowledged', load.unacknowledged);
    report.check('acknowledged episodes are more than none', audit.acknowledged > 100, audit.acknowledged);
    report.check('found', audit.found === audit.acknowledged, `${audit.found} of ${audit.acknowledged}`);
    report.check('equal', audit.equal === audit.acknowledged, `${audit.equal} of ${audit.acknowledged}`);
    if (audit.wrong.length > 0) report.figure('wrong', audit.wrong.join(' '));
  } finally {
    await load.stop();
    await load.close();
    report.check('stops cleanly', (await cluster.stop()) === 0, 'exit code 0');
  }
}

/** Kills a process of the cluster; one that is just being restarted counts as killed already. */
export function killOne(cluster: LocalCluster, name: string): void {
  const pid = cluster.pids().get(name);
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It is between two lives.
  }
}

async function allBack(cluster: LocalCluster, names: readonly string[]): Promise<boolean> {
  for (let second = 0; second < 90; second++) {
    const { code, stdout } = await cluster.tori('get', 'mc', '-o', 'json');
    const ready = code === 0 && /"type": ?"Ready",\s*"status": ?"True"/.test(stdout);
    if (ready && names.every((name) => cluster.pids().has(name))) return true;
    await sleep(1_000);
  }
  return false;
}
