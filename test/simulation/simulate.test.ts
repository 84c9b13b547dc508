import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { apiVersion } from '../../operator/api/resource.js';
import type { SimulatedDecision } from '../../operator/simulation/decisions.js';
import { tori } from '../cli/captured-terminal.js';
import { prometheusMissing, startPrometheus, type PrometheusProcess } from '../metrics/prometheus-server.js';
import { clusterOf } from '../rollout/world.js';
import { profileOf } from '../tuning/profile.js';
import { operate, type Live } from './live.js';
import { describeWith } from '../harness/needs.js';

const missing = prometheusMissing();
const describeHere = describeWith(missing);

const hourMs = 3_600_000;
const begin = Date.parse('2026-01-01T00:02:07Z');
const changeAt = begin + 9 * hourMs;
const end = begin + 13 * hourMs;
const identity = { namespace: 'agents', cluster: 'memory' };

const spec = {
  tuningProfileRef: { name: 'fast' },
  monitoring: { interval: '1m', staleAfter: '10m' },
  rollout: {
    steps: [
      { weight: 10, hold: '2h', minSamples: 100 },
      { weight: 100, hold: '1h' },
    ],
    analysis: { interval: '10m', window: '30m' },
  },
};
const before = clusterOf({ ...spec, version: '1' });
const after = clusterOf({ ...spec, version: '2' });
const profile: TuningProfile = {
  apiVersion,
  kind: 'TuningProfile',
  metadata: { name: 'fast' },
  spec: profileOf({ mode: 'Auto', rateLimit: { changes: 100, per: '24h' } }),
};

const live = (canaryErrors: number) =>
  operate({ seed: 11, before, after, changeAt, profile, canaryErrors, begin, end, identity });

/** What came of the rollouts. */
function endings(decisions: readonly SimulatedDecision[]): string[] {
  return decisions.flatMap((one) => (one.kind === 'rollout' ? [one.to] : []));
}

describeHere('a simulation of what was recorded by a real Prometheus beside the operator', () => {
  describe.each([
    ['a good canary', 0, 'Promoting'],
    ['a canary that fails requests', 0.3, 'RollingBack'],
  ] as const)('%s', (_name, canaryErrors, ending) => {
    const folder = mkdtempSync(join(tmpdir(), 'tori-simulate-'));
    const manifests = join(folder, 'manifests.yaml');
    let taken: Live;
    let prometheus: PrometheusProcess;

    beforeAll(async () => {
      taken = await live(canaryErrors);
      writeFileSync(manifests, [after, profile].map((one) => stringify(one)).join('---\n'));
      prometheus = await startPrometheus({ history: taken.history });
    });
    afterAll(async () => {
      await prometheus.stop();
      rmSync(folder, { recursive: true });
    });

    async function simulated(...source: string[]): Promise<readonly SimulatedDecision[]> {
      const args = ['simulate', '-f', manifests, '--interval', '5m', '-o', 'json'];
      const times = ['--from', at(begin), '--to', at(end), '--canary-from', at(changeAt)];
      const { code, stdout, stderr } = await tori([...args, ...times, ...source], {
        env: { TORI_HOME: folder },
      });
      if (code !== 0) throw new Error(stderr);
      return (JSON.parse(stdout) as { decisions: SimulatedDecision[] }).decisions;
    }

    test('leads to changes of parameters and to the end of a rollout', () => {
      expect(taken.decisions.filter(({ kind }) => kind === 'tuning').length).toBeGreaterThan(5);
      expect(endings(taken.decisions)).toContain(ending);
    });

    test('is decided alike from its query API: when, what, and on which numbers', async () => {
      const match = ['--match', `namespace=${identity.namespace}`, `cluster=${identity.cluster}`];
      expect(await simulated('--prometheus', prometheus.url, ...match)).toEqual(taken.decisions);
    });

    // The other sources once: they are slow, and the same whatever came of the canary.
    if (ending !== 'RollingBack') return;

    test('is decided alike from OpenMetrics text', async () => {
      const file = join(folder, 'recorded.txt');
      writeFileSync(file, taken.history);
      expect(await simulated('--samples', file)).toEqual(taken.decisions);
    });

    test('is decided alike from a dump of promtool, and from an answer of the query API in a file', async () => {
      const blocks = join(folder, 'blocks');
      const text = join(folder, 'recorded.txt');
      writeFileSync(text, taken.history);
      // promtool reads blocks only beside a write-ahead log.
      mkdirSync(join(blocks, 'wal'), { recursive: true });
      const create = ['tsdb', 'create-blocks-from', '--max-block-duration=480h', '--quiet', 'openmetrics'];
      execFileSync('promtool', [...create, text, blocks], { stdio: 'ignore' });
      const dump = execFileSync('promtool', ['tsdb', 'dump', blocks], { maxBuffer: 512 * 1024 * 1024 });
      writeFileSync(join(folder, 'dump.txt'), dump);
      expect(await simulated('--samples', join(folder, 'dump.txt'))).toEqual(taken.decisions);

      const query = new URLSearchParams({ query: `{cluster="memory"}[14h]`, time: String(end / 1000) });
      const answer = await fetch(`${prometheus.url}/api/v1/query?${query.toString()}`);
      writeFileSync(join(folder, 'answer.json'), await answer.text());
      expect(await simulated('--samples', join(folder, 'answer.json'))).toEqual(taken.decisions);
    });

    test('is told to people with the reasons, rule by rule', async () => {
      const file = join(folder, 'recorded.txt');
      writeFileSync(file, taken.history);
      const args = ['simulate', '-f', manifests, '--interval', '5m', '--samples', file];
      const { code, stdout } = await tori(args, { env: { TORI_HOME: folder } });
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^memory with profile fast: 2026-01-01T00:02:07Z to .* its canary is judged from /,
      );
      expect(stdout).toMatch(/^ {2}2026-\S+ +tuning +\w+ +\S+ → \S+ by [a-z-]+, because \w+ was /m);
      expect(stdout).toMatch(new RegExp(`rollout +Holding → ${ending} at `));
      expect(stdout).toMatch(/^ {2}settle-loops-high +\d+ +\d+ +\d+ +\d+ +\S+ +above 50/m);
      expect(stdout).toMatch(/^VERDICTS\n {2}\d+ pass, \d+ fail, \d+ inconclusive$/m);
    });

    test('a changed profile shows what it would have changed', async () => {
      const file = join(folder, 'recorded.txt');
      writeFileSync(file, taken.history);
      const calm = { ...profile, spec: profileOf({ mode: 'Recommend' }) };
      writeFileSync(manifests, [after, calm].map((one) => stringify(one)).join('---\n'));
      const decisions = await simulated('--samples', file);
      writeFileSync(manifests, [after, profile].map((one) => stringify(one)).join('---\n'));
      expect(decisions.filter(({ kind }) => kind === 'tuning')).toEqual([]);
      expect(decisions.filter(({ kind }) => kind === 'proposal').length).toBeGreaterThan(0);
    });
  });
});

function at(instant: number): string {
  return new Date(instant).toISOString();
}
