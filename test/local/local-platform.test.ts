import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { createMcp, type Mcp } from '../../lib/mcpClient/index.js';
import { statusProblems } from '../../operator/api/kstatus.js';
import { sampleCorpusFolder } from '../../cli/import/sample-corpus.js';
import { findFiles } from '../../cli/import/files.js';
import {
  freeOffset,
  packageRoot,
  runTori,
  startLocalCluster,
  type LocalCluster,
} from '../harness/local-cluster.js';
import { describeWith } from '../harness/needs.js';
import { Load } from '../harness/load.js';
import { quickCanary } from '../harness/quick-canary.js';

const built = existsSync(join(packageRoot, 'dist', 'cli', 'main.js'));
const withBuild = describeWith(built ? undefined : 'dist/ is absent; npm run build');
const reason = built ? '' : ' (skipped: dist/ is absent; npm run build)';

/** A cluster whose canary takes seconds. */
function manifest(parameters: Record<string, number>): unknown {
  return {
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'demo' },
    spec: {
      version: 'current',
      services: { koopman: { parameters } },
      ...quickCanary,
    },
  };
}

withBuild(`the local platform, with real processes and real mail${reason}`, () => {
  let folder: string;
  let cluster: LocalCluster;
  let mcp: Mcp;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'local-platform-'));
    cluster = await startLocalCluster({ manifests: fileOf(manifest({})) });
    mcp = createMcp({ url: cluster.endpoints.mcp, apiKey: cluster.apiKey });
  });

  afterAll(async () => {
    await mcp.close();
    expect(await cluster.stop()).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });

  function fileOf(value: unknown): string {
    const file = join(folder, 'manifest.yaml');
    writeFileSync(file, typeof value === 'string' ? value : stringify(value));
    return file;
  }

  async function until(what: string, holds: () => boolean): Promise<void> {
    for (let waited = 0; !holds(); waited++) {
      if (waited > 1_200) throw new Error(`not reached: ${what}`);
      await sleep(100);
    }
  }

  const status = () => cluster.resource('MemoryCluster', 'demo').status as Record<string, never> | undefined;
  const ready = () => JSON.stringify(status()).includes('"type":"Ready","status":"True"');

  test('mail is imported once, however often, consolidated and recalled', async () => {
    const mails = (await findFiles([sampleCorpusFolder()!])).slice(0, 300).map(({ name }) => name);
    const first = await cluster.tori('import', ...mails, '-o', 'json');
    expect(first.code).toBe(0);
    const again = await cluster.tori('import', ...mails, '-o', 'json');
    expect({ code: again.code, stored: (JSON.parse(again.stdout) as { stored: number }).stored }).toEqual({
      code: 0,
      stored: 0,
    });
    const { runs } = await mcp('memory.sleep', { once: true });
    expect(runs[0]?.state).toBe('succeeded');
    // The bounds of the L1 strength span from next to no effect to most of the graph.
    const kept = async (threshold: number) => {
      const [run] = (await mcp('memory.prune', { dryRun: true, threshold })).runs;
      return run!.edgesAfter / run!.edgesBefore;
    };
    expect(await kept(1e-5)).toBeGreaterThan(0.999);
    expect(await kept(1e-2)).toBeLessThan(0.5);
    const recall = await cluster.tori('recall', '--text', 'linux', '-k', '5', '-o', 'json');
    expect((JSON.parse(recall.stdout) as { id: string; score: number }[]).length).toBe(5);
  });

  test('a killed service comes back with everything that was acknowledged', async () => {
    const { sequence } = await mcp('memory.put', {
      id: 'before-kill',
      episodeBlob: { concepts: { kept: 1 } },
    });
    expect(sequence).toBeGreaterThan(0);
    const victim = cluster.pids().get('stable/episodic-vault')!;
    process.kill(victim, 'SIGKILL');
    expect((await mcp('memory.get', { id: 'before-kill' })).concepts).toEqual({ kept: 1 });
    expect(cluster.pids().get('stable/episodic-vault')).not.toBe(victim);
  });

  test('a killed operator is started again and takes the running services over', async () => {
    const before = cluster.pids();
    process.kill(before.get('operator')!, 'SIGKILL');
    await until('a new operator', () => cluster.pids().get('operator') !== before.get('operator'));
    await until('Ready', ready);
    await sleep(2_000);
    before.delete('operator');
    for (const [name, pid] of before) expect([name, cluster.pids().get(name)]).toEqual([name, pid]);
  });

  test('a broken file changes nothing and says where the fault is', async () => {
    const file = join(cluster.endpoints.home, 'resources', 'memorycluster-demo.yaml');
    const good = readFileSync(file, 'utf8');
    const before = cluster.pids();
    writeFileSync(file, 'spec: [unclosed');
    const told = await cluster.tori('get', 'mc');
    expect(told.stderr).toMatch(/memorycluster-demo\.yaml.*not valid YAML/);
    expect(told.stdout).toMatch(/demo\s+True/);
    await sleep(2_000);
    expect(cluster.pids()).toEqual(before);
    writeFileSync(file, good);
  });

  test('a changed spec goes through a canary, and nothing is lost on the way', async () => {
    const load = new Load(cluster, 1);
    load.start(1);
    expect((await cluster.tori('apply', '-f', fileOf(manifest({ kclL1Strength: 0.3 })))).code).toBe(0);
    const history = () =>
      (status()?.['rollout'] as { history: { outcome: string; kind: string }[] } | undefined)?.history ?? [];
    await until('the end of the canary', () => history()[0]?.kind === 'Spec' && history().length > 1);
    await load.stop();
    expect(history()[0]?.outcome).toBe('Promoted');
    expect(load.acknowledged.size).toBeGreaterThan(20);
    expect(load.unacknowledged).toBe(0);
    expect((await load.audit()).wrong).toEqual([]);
    for (const id of load.acknowledged.keys()) expect((await mcp('memory.get', { id })).track).toBe('stable');
    await load.close();
    expect(existsSync(join(cluster.endpoints.home, 'data', 'canary'))).toBe(false);
  });

  test('every status follows the rules of kstatus', () => {
    const resource = cluster.resource('MemoryCluster', 'demo');
    expect(statusProblems(resource as never)).toEqual([]);
  });

  test('a second start on the same home is refused, and says which process has it', async () => {
    const { code, stderr } = await runTori(cluster.env, ['up', '--headless']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/already running in .* \(process \d+\)/);
  });
});

withBuild(`a start that cannot work${reason}`, () => {
  let taken: Server;
  let env: NodeJS.ProcessEnv;
  let home: string;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'tori-'));
    const offset = await freeOffset();
    env = { ...process.env, TORI_HOME: home, TORI_PORT_OFFSET: String(offset) };
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(50_051 + offset, '127.0.0.1', resolve));
  });

  afterAll(() => {
    taken.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('names the port that is taken', async () => {
    const { code, stderr } = await runTori(env, ['up', '--headless']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Port \d+ \(episodic-vault\) is taken by another program/);
  });

  test.each([
    ['TORI_PORT_OFFSET', 'abc', /TORI_PORT_OFFSET = "abc": expected a whole number/],
    ['TORI_HOME', '/dev/null/x', /TORI_HOME = "\/dev\/null\/x"/],
  ])('names %s when it is wrong', async (name, value, message) => {
    const { code, stderr } = await runTori({ ...env, [name]: value }, ['up', '--headless']);
    expect(code).toBe(78);
    expect(stderr).toMatch(message);
  });
});
