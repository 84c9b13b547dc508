import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { createMcp, type Mcp } from '../../../lib/mcpClient/index.js';
import { parseExposition } from '../../../operator/metrics/exposition.js';
import { startLocalCluster, type LocalCluster } from '../../harness/local-cluster.js';
import { seededRandom } from '../../harness/load.js';
import type { Report } from '../report.js';

/** The contract's metrics, by the cause that moves them. */
const causes = {
  put: ['vault_episode_count', 'vault_size_mb'],
  sleep: [
    'consol_ops_total',
    'consol_cycles_total',
    'energy_delta',
    'consol_energy_drop_ratio',
    'consol_settle_loops',
    'edge_count',
  ],
  prune: ['pruned_edges_total'],
  learn: [
    'kcl_modes_total',
    'kcl_modes',
    'kcl_effective_rank',
    'kcl_psi_drift_rad',
    'coupling_updates_total',
  ],
} as const;

type Values = ReadonlyMap<string, number>;

/** Each of the contract's metrics moves when its cause happens, and not before. */
export async function metrics(report: Report): Promise<void> {
  const cluster = await startLocalCluster({ manifests: quietCluster() });
  const mcp = createMcp({ url: cluster.endpoints.mcp, apiKey: cluster.apiKey });
  try {
    await play(report, cluster, mcp);
  } finally {
    await mcp.close();
    await cluster.stop();
  }
}

async function play(report: Report, cluster: LocalCluster, mcp: Mcp): Promise<void> {
  const idle = await scrape(cluster);
  await sleep(3_000);
  const still = await scrape(cluster);
  const all = Object.values(causes).flat();
  report.check(
    'at rest nothing moves',
    all.every((name) => still.get(name) === idle.get(name)),
    `${all.length} metrics`,
  );

  await put(mcp, 0, 400);
  const afterPut = await scrape(cluster);
  moved(report, 'put', still, afterPut);
  unmoved(report, 'a put', ['sleep', 'prune'], { before: still, after: afterPut });

  await mcp('memory.sleep', { once: true });
  const afterSleep = await scrape(cluster);
  moved(report, 'sleep', afterPut, afterSleep);
  unmoved(report, 'a sleep', ['put', 'prune'], { before: afterPut, after: afterSleep });

  await mcp('memory.prune', { dryRun: false, threshold: 0.05 });
  const afterPrune = await scrape(cluster);
  moved(report, 'prune', afterSleep, afterPrune);
  const fewer = (afterPrune.get('edge_count') ?? NaN) < (afterSleep.get('edge_count') ?? NaN);
  report.check(
    'a prune lowers edge_count',
    fewer,
    `${afterSleep.get('edge_count')} → ${afterPrune.get('edge_count')}`,
  );

  // Two fits, because a drift lies between two of them.
  await untilFitted(cluster);
  const first = await scrape(cluster);
  await put(mcp, 400, 800);
  await untilFitted(cluster, first.get('kcl_modes_total'));
  moved(report, 'learn', still, await scrape(cluster));
}

function moved(report: Report, cause: keyof typeof causes, before: Values, after: Values): void {
  for (const name of causes[cause]) {
    const [from, to] = [before.get(name), after.get(name)];
    report.check(
      `${name} moves by a ${cause}`,
      to !== undefined && to !== from,
      `${from ?? 'absent'} → ${to ?? 'absent'}`,
    );
  }
}

function unmoved(
  report: Report,
  by: string,
  kinds: readonly (keyof typeof causes)[],
  { before, after }: { before: Values; after: Values },
): void {
  // Files grow in pages that a commit of others may add.
  const names = kinds.flatMap((kind) => [...causes[kind]]).filter((name) => name !== 'vault_size_mb');
  const wrong = names.filter((name) => before.get(name) !== after.get(name));
  report.check(
    `${by} moves none of the others`,
    wrong.length === 0,
    wrong.join(', ') || `${names.length} metrics`,
  );
}

/** Sum of each metric over its labels, all services together. */
async function scrape(cluster: LocalCluster): Promise<Values> {
  const values = new Map<string, number>();
  for (const { metrics: url } of Object.values(cluster.endpoints.services)) {
    const page = await (await fetch(url)).text();
    for (const { name, value } of parseExposition(page).flatMap((family) => family.samples)) {
      values.set(name, (values.get(name) ?? 0) + value);
    }
  }
  return values;
}

/** Themes that follow each other, and concepts in each: something to complete, with a period to find. */
const themes = 12;
const conceptsPerTheme = 15;

/** Episodes a minute apart, each of one theme and a little noise. */
async function put(mcp: Mcp, from: number, to: number): Promise<void> {
  const random = seededRandom(from + 1);
  const start = Date.UTC(2026, 0, 1);
  for (let k = from; k < to; k++) {
    const concepts: Record<string, number> = { [`noise-${Math.floor(200 * random())}`]: 0.2 };
    for (let c = 0; c < conceptsPerTheme; c++) {
      if (random() < 0.6) concepts[`theme-${k % themes}-${c}`] = 0.2 + 0.8 * random();
    }
    await mcp('memory.put', { id: `m-${k}`, time: start + k * 60_000, episodeBlob: { concepts } });
  }
}

async function untilFitted(cluster: LocalCluster, modesBefore?: number): Promise<void> {
  for (let second = 0; second < 90; second++) {
    const modes = (await scrape(cluster)).get('kcl_modes_total') ?? 0;
    if (modes > (modesBefore ?? 0)) return;
    await sleep(1_000);
  }
}

/** A cluster in which sleep and pruning come when they are asked for, and at no other time. */
function quietCluster(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'tori-metrics-')), 'cluster.yaml');
  const services = {
    sleep: { env: { SLEEP_MIN_NEW_EPISODES: '0' } },
    pruner: { env: { PRUNER_INTERVAL_MS: '0', PRUNER_AFTER_COMMITS: '0' } },
  };
  const metadata = { name: 'quiet' };
  const apiVersion = 'memory.tori.dev/v1alpha1';
  writeFileSync(
    file,
    stringify({ apiVersion, kind: 'MemoryCluster', metadata, spec: { version: 'current', services } }),
  );
  return file;
}
