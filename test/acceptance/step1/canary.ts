import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { connect } from '../../../services/common/clients/client.js';
import { readSecretFile } from '../../../services/common/config/config.js';
import { Load, seededRandom } from '../../harness/load.js';
import { startLocalCluster, type LocalCluster } from '../../harness/local-cluster.js';
import type { Report } from '../report.js';
import { killOne } from './kill.js';

/** A MemoryCluster whose canary goes through its steps within a minute or two. */
export function shortCanary(env: Record<string, string>): unknown {
  return {
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'canary' },
    spec: {
      version: 'current',
      services: { vault: { env } },
      monitoring: { interval: '1s', staleAfter: '15s' },
      rollout: {
        steps: [
          { weight: 10, hold: '8s', minSamples: 5, minSleeps: 0 },
          { weight: 50, hold: '8s', minSamples: 20, minSleeps: 0 },
          { weight: 100, hold: '5s', minSamples: 20, minSleeps: 0 },
        ],
        analysis: {
          interval: '2s',
          window: '15s',
          // Processes are killed all the time: errors of seconds are part of the test, a broken canary is not.
          metrics: [
            { name: 'errorRatio', tolerance: 0.3, limit: 0.9 },
            { name: 'mismatchRatio', tolerance: 0, limit: 0, onNoData: 'pass' },
          ],
          failureBudget: { window: '20s', ratio: 0.5, consecutive: 4 },
        },
        onFail: 'rollback',
        progressDeadline: '3m',
      },
    },
  };
}

interface Rollout {
  readonly name: string;
  /** What the new revision sets in the vault's environment. */
  readonly env: Record<string, string>;
  readonly kill: boolean;
  /** Called with the canary's weight in percent, while it runs. */
  readonly onWeight?: (cluster: LocalCluster, weight: number) => Promise<void>;
  readonly expected: 'promoted' | 'rolled back';
}

/** Canaries under load: one promoted and one aborted at half the keys, both with kills, and one that fails its analysis. */
export async function canaryUnderLoad(report: Report): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  report.figure('seed', seed);
  await roll(report, seed, {
    name: 'promoted',
    env: { LOG_LEVEL: 'warn' },
    kill: true,
    expected: 'promoted',
  });
  let aborted = false;
  await roll(report, seed + 1, {
    name: 'aborted at 50 %',
    env: { LOG_LEVEL: 'error' },
    kill: true,
    expected: 'rolled back',
    onWeight: async (cluster, weight) => {
      if (aborted || weight < 50) return;
      await sleep(4_000);
      aborted = (await cluster.tori('abort', 'canary', '--reason', 'acceptance')).code === 0;
    },
  });
  await roll(report, seed + 2, {
    name: 'a vault that cannot be seeded',
    env: { VAULT_MIN_FREE_BYTES: String(2 ** 50) },
    kill: false,
    expected: 'rolled back',
  });
}

async function roll(report: Report, seed: number, rollout: Rollout): Promise<void> {
  report.figure('canary', rollout.name);
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'tori-canary-'));
  const write = (env: Record<string, string>) => {
    const file = join(folder, 'cluster.yaml');
    writeFileSync(file, stringify(shortCanary(env)));
    return file;
  };
  const cluster = await startLocalCluster({ manifests: write({}) });
  const load = new Load(cluster, seed, 'canary');
  try {
    load.start(4);
    await sleep(5_000);
    const before = stateOf(cluster);
    const { code, stderr } = await cluster.tori('apply', '-f', write(rollout.env));
    report.check('the new revision is accepted', code === 0, stderr.trim() || 'applied');
    const end = await watch(cluster, load, rollout, { random, stableBefore: before.stable });
    report.check(
      `ends ${rollout.expected}`,
      end.outcome === rollout.expected,
      `${end.outcome} after ${end.kills} kills`,
    );
    report.check(
      'weights seen only rise to the canary',
      end.weights.every((w, k) => k === 0 || w > end.weights[k - 1]! || w === 0),
      end.weights.join(' → '),
    );
    report.check(
      'every look at an acknowledged episode found it equal',
      end.misses === 0,
      `${end.looks} looks, ${end.misses} misses`,
    );
    await load.stop();
    const audit = await load.audit();
    report.check(
      'found',
      audit.found === audit.acknowledged && audit.acknowledged > 100,
      `${audit.found} of ${audit.acknowledged}`,
    );
    report.check(
      'equal',
      audit.equal === audit.acknowledged,
      `${audit.equal} of ${audit.acknowledged} ${audit.wrong.join(' ')}`,
    );
    const single = await storedOnce(cluster, load);
    report.check(
      'single, in the stable vault',
      single === audit.acknowledged,
      `${single} of ${audit.acknowledged}`,
    );
  } finally {
    await load.stop();
    await load.close();
    await cluster.stop();
  }
}

async function watch(
  cluster: LocalCluster,
  load: Load,
  rollout: Rollout,
  { random, stableBefore }: { random: () => number; stableBefore: string },
): Promise<{ outcome: string; kills: number; looks: number; misses: number; weights: number[] }> {
  const seen = { kills: 0, looks: 0, misses: 0, weights: [] as number[] };
  const deadline = Date.now() + 6 * 60_000;
  const looking = new AbortController();
  const looker = lookWhile(load, looking.signal, seen);
  let nextKill = Date.now() + 3_000;
  for (;;) {
    if (rollout.kill && Date.now() > nextKill) {
      const names = [...cluster.pids().keys()];
      killOne(cluster, names[Math.floor(random() * names.length)]!);
      seen.kills++;
      nextKill = Date.now() + 3_000 + 4_000 * random();
    }
    const state = stateOf(cluster);
    if (state.weight !== seen.weights.at(-1)) seen.weights.push(state.weight);
    await rollout.onWeight?.(cluster, state.weight);
    const outcome = outcomeOf(state, stableBefore);
    if (outcome !== undefined || Date.now() > deadline) {
      looking.abort();
      await looker;
      return { outcome: outcome ?? 'unfinished', ...seen };
    }
    await sleep(250);
  }
}

/** Reads acknowledged episodes at random, all the time, whatever is being killed. */
async function lookWhile(
  load: Load,
  signal: AbortSignal,
  seen: { looks: number; misses: number },
): Promise<void> {
  while (!signal.aborted) {
    seen.looks++;
    if (!(await load.checkOne())) seen.misses++;
    await sleep(20);
  }
}

function outcomeOf(state: State, stableBefore: string): Rollout['expected'] | undefined {
  if (state.canary !== '') return undefined;
  if (state.rejected > 0) return 'rolled back';
  return state.stable === stableBefore ? undefined : 'promoted';
}

const statusSchema = z.object({
  canary: z.object({ revision: z.string() }).optional(),
  rollout: z
    .object({
      stableRevision: z.string().optional(),
      table: z.object({ basisPoints: z.number() }),
      rejectedRevisions: z.array(z.unknown()),
    })
    .optional(),
});

interface State {
  readonly stable: string;
  readonly canary: string;
  /** Share of the canary in percent. */
  readonly weight: number;
  readonly rejected: number;
}

function stateOf(cluster: LocalCluster): State {
  const status = statusSchema.parse(cluster.resource('MemoryCluster', 'canary').status ?? {});
  return {
    stable: status.rollout?.stableRevision ?? '',
    canary: status.canary?.revision ?? '',
    weight: (status.rollout?.table.basisPoints ?? 0) / 100,
    rejected: status.rollout?.rejectedRevisions.length ?? 0,
  };
}

/** How many acknowledged ids the stable vault lists exactly once. */
async function storedOnce(cluster: LocalCluster, load: Load): Promise<number> {
  const token = readSecretFile(
    'INTERNAL_TOKEN_FILE',
    join(cluster.endpoints.home, 'secrets', 'internal-token'),
  );
  const address = cluster.endpoints.services['episodic-vault']!.grpc;
  const vault = connect<EpisodicVaultServer>(EpisodicVaultService, address, { token });
  const times = new Map<string, number>();
  for await (const { episode } of vault.list({ tenant: '', limit: 0, afterCursor: '' })) {
    if (episode !== undefined) times.set(episode.id, (times.get(episode.id) ?? 0) + 1);
  }
  vault.close();
  return [...load.acknowledged.keys()].filter((id) => times.get(id) === 1).length;
}
