import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeOffset, packageRoot } from '../../harness/local-cluster.js';
import type { Report } from '../report.js';

/** What the quick start shows, in its own words, and by when. */
const milestones = [
  { name: 'the cluster is Ready', line: /MemoryCluster \S+ is Ready/, withinSeconds: 60 },
  { name: 'mail is imported', line: /Imported \d+ messages/, withinSeconds: 300 },
  {
    name: 'a consolidation is committed',
    line: /Consolidated in [1-9]\d* cycles so far: [1-9]\d* edges/,
    withinSeconds: 300,
  },
  { name: 'pruning is shown', line: /Pruned at τ = \S+ [1-9]\d* → [1-9]\d* edges/, withinSeconds: 300 },
  { name: 'the canary gets 1 % of the keys', line: /Holding at 1%/, withinSeconds: 300 },
  { name: 'the canary gets 50 % of the keys', line: /Holding at 50%/, withinSeconds: 300 },
  { name: 'the canary is promoted', line: /is promoted: every key is served by it/, withinSeconds: 300 },
  { name: 'a parameter is changed by a rule', line: /Tuner: \S+ \S+ → \S+ by rule/, withinSeconds: 300 },
];

/** The README's first command as a new user types it, with no input; Ctrl-C at the end. */
export async function quickstart(report: Report): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'tori-quickstart-'));
  const env = { ...process.env, TORI_HOME: home, TORI_PORT_OFFSET: String(await freeOffset()) };
  const child = spawn('npm', ['run', 'up'], {
    cwd: packageRoot,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const startedAt = Date.now();
  const seen = new Map<string, number>();
  const ended = once(child, 'exit');
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    if (process.env['VERBOSE'] !== undefined) console.log(`    | ${line}`);
    for (const { name, line: wanted } of milestones) {
      if (!seen.has(name) && wanted.test(line)) seen.set(name, (Date.now() - startedAt) / 1_000);
    }
  });
  const deadline = startedAt + 300_000;
  while (seen.size < milestones.length && Date.now() < deadline && child.exitCode === null) await sleep(250);
  for (const { name, withinSeconds } of milestones) {
    const at = seen.get(name);
    const holds = at !== undefined && at <= withinSeconds;
    report.check(
      name,
      holds,
      at === undefined ? `not within ${withinSeconds} s` : `${at.toFixed(1)} s (at most ${withinSeconds})`,
    );
  }
  // As Ctrl-C in a terminal does: to the whole foreground group.
  process.kill(-child.pid!, 'SIGINT');
  await Promise.race([ended, sleep(60_000)]);
  report.check(
    'Ctrl-C stops everything',
    await nothingListens(Number(env.TORI_PORT_OFFSET)),
    'no port answers',
  );
  rmSync(home, { recursive: true, force: true });
}

async function nothingListens(offset: number): Promise<boolean> {
  const ports = [9_091, 9_092, 9_093, 9_094, 9_095, 9_096].map((port) => port + offset);
  const answers = await Promise.all(
    ports.map((port) =>
      fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(2_000) }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return !answers.some(Boolean);
}
