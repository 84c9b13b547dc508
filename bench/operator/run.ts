import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, loadConnection } from '../../operator/runtime/index.js';
import { startControlPlane, type ControlPlane } from '../../test/cluster/control-plane.js';
import { AuditLog } from './audit.js';
import type { Arena, Contender } from './contender.js';
import { flagger } from './flagger.js';
import { measure } from './measure.js';
import { plainApply } from './plain-apply.js';
import type { ContenderResult, OperatorBenchResult } from './result.js';
import { startServices } from './services.js';
import { tori } from './tori.js';

/** How the operators are compared. */
export interface OperatorBenchOptions {
  /** Resources that each gets. */
  readonly count: number;
  readonly restSeconds: number;
  /** Only the contender of this name takes part. */
  readonly only?: string;
  /** Told of each step. */
  readonly onProgress: (line: string) => void;
}

/** Measures Flagger and our operator, one after the other, on one control plane without controllers and nodes. */
export async function runOperatorBench(options: OperatorBenchOptions): Promise<OperatorBenchResult> {
  const { count, restSeconds, only, onProgress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tori-bench-'));
  const audit = new AuditLog(folder);
  onProgress('starts etcd and kube-apiserver');
  const cluster = await withRareCollections(() => startControlPlane({ apiServerFlags: audit.flags }));
  const services = await startServices();
  const client = new ApiClient({
    connection: await loadConnection({ kubeconfig: cluster.kubeconfig }),
    userAgent: 'bench',
  });
  try {
    const arena: Arena = {
      client,
      kubeconfig: cluster.kubeconfig,
      folder,
      count,
      apply: (...args) => apply(cluster, args),
    };
    const contenders: readonly Contender[] = [flagger(), tori(services.port)];
    const results: ContenderResult[] = [];
    for (const contender of contenders.filter(({ name }) => only === undefined || name === only)) {
      // Nobody is to be measured with the heap and the caches that somebody else has left.
      await withRareCollections(() => cluster.restartApiServer());
      const measured = await measure(contender, arena, { audit, restSeconds, onProgress });
      onProgress(`${contender.name}: the same children by plain apply`);
      results.push({ ...measured, plainPerSecond: await plainApply(contender, arena) });
    }
    const version = (await client.raw('/version')) as { readonly gitVersion: string };
    return { kubernetes: version.gitVersion, contenders: results };
  } finally {
    services.stop();
    await client.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rarer garbage collections for Go programs: there is memory enough, and the cores are to be the contenders'. */
const rareCollections = '1600';

async function withRareCollections<T>(start: () => Promise<T>): Promise<T> {
  const before = process.env['GOGC'];
  process.env['GOGC'] = rareCollections;
  try {
    return await start();
  } finally {
    // Contenders inherit the environment as well, and are measured as they come.
    if (before === undefined) delete process.env['GOGC'];
    else process.env['GOGC'] = before;
  }
}

async function apply(cluster: ControlPlane, args: readonly string[]): Promise<void> {
  const applied = await cluster.kubectl(['apply', ...args]);
  if (applied.code !== 0) throw new Error(`kubectl apply ${args.join(' ')}: ${applied.stderr}`);
  const crds = ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'];
  const waited = await cluster.kubectl(crds);
  if (waited.code !== 0) throw new Error(`kubectl ${crds.join(' ')}: ${waited.stderr}`);
}
