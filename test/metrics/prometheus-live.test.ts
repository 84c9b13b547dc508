import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keptMetrics } from '../../operator/metrics/kept-metrics.js';
import { PrometheusProvider } from '../../operator/metrics/prometheus.js';
import { rolloutMetrics, stepCounts } from '../../operator/metrics/rollout-metrics.js';
import { openSampleStore, type SampleStore } from '../../operator/metrics/sample-store.js';
import { scrapeRound, type ScrapeTarget } from '../../operator/metrics/scrape.js';
import { judge } from '../../operator/rollout/judge.js';
import type { MetricsProvider, Series } from '../../operator/samples/series.js';
import { isFresh } from '../../operator/samples/windows.js';
import { seededRandom } from '../../services/common/network/random.js';
import { SimulatedDeployment } from './history.js';
import { prometheusMissing, startPrometheus, type PrometheusProcess } from './prometheus-server.js';
import type { Scraped } from './recording.js';
import { describeWith } from '../harness/needs.js';

const missing = prometheusMissing();
const describeHere = describeWith(missing);
const identity = { namespace: 'memory', cluster: 'mc' };
const values = { annealT0: 2, learningRate: 0.01, l1Strength: 0.001, dmdRank: 50 };

/** Serves the pages of a simulated deployment on one port, a path for each process. */
class Pages {
  #pages: readonly Scraped[] = [];
  readonly #server: Server = createServer((request, response) => {
    const page = this.#pages.find(({ pod }) => request.url === `/${pod}`);
    const lines = page?.samples.map(({ name, labels, value }) => {
      const text = Object.entries(labels).map(([label, of]) => `${label}=${JSON.stringify(of)}`);
      return `${name}{${text.join(',')}} ${value}\n`;
    });
    response.writeHead(page === undefined ? 503 : 200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(lines?.join(''));
  });

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  show(pages: readonly Scraped[]): void {
    this.#pages = pages;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** What is scraped, and under which labels, as the ServiceMonitor sets them. */
const processes: readonly (Pick<ScrapeTarget, 'service' | 'track' | 'instance'> & {
  readonly pod: string;
})[] = [
  { service: 'sleep', track: 'stable', pod: 'mc-sleep-1' },
  { service: 'sleep', track: 'canary', pod: 'mc-sleep-canary-1' },
  { service: 'gateway', pod: 'gateway-a', instance: 'gateway-a' },
  { service: 'gateway', pod: 'gateway-b', instance: 'gateway-b' },
];

describeHere('a Prometheus that scrapes', () => {
  const pages = new Pages();
  let prometheus: PrometheusProcess;
  let folder: string;
  let store: SampleStore;
  let deployment: SimulatedDeployment;
  beforeAll(async () => {
    await pages.listen();
    prometheus = await startPrometheus({
      scrape: processes.map(({ service, track, pod }) => ({
        job_name: pod,
        scrape_interval: '1s',
        honor_labels: true,
        metrics_path: `/${pod}`,
        static_configs: [
          {
            targets: [pages.address],
            labels: { ...identity, service, pod, ...(track !== undefined && { track }) },
          },
        ],
      })),
    });
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'samples-'));
    deployment = new SimulatedDeployment(seededRandom(7), { canaryErrors: 0.3 });
    store = await openSampleStore({
      file: join(folder, 'samples.json'),
      maxBytes: 1 << 20,
      kept: keptMetrics(),
      now: Date.now,
      onLost: () => undefined,
    });
  });
  afterEach(() => rm(folder, { recursive: true }));
  afterAll(async () => {
    await prometheus.stop();
    pages.close();
  });

  const provider = (url = prometheus.url): MetricsProvider =>
    new PrometheusProvider({ url }, identity, {
      now: Date.now,
      timeoutMs: 5_000,
      signal: new AbortController().signal,
    });

  /** Time passes in the deployment, and we scrape it too. */
  async function round(): Promise<void> {
    pages.show(deployment.scrape(Date.now(), values, true));
    const targets = processes.map(({ pod, ...target }) => ({
      ...target,
      url: `http://${pages.address}/${pod}`,
    }));
    const signal = new AbortController().signal;
    store.append(await scrapeRound(targets, { now: Date.now, timeoutMs: 1_000, signal }));
  }

  /** Rounds until a condition holds of what Prometheus has. */
  async function until(holds: (series: readonly Series[]) => boolean, metric = 'gateway_requests_total') {
    for (;;) {
      await round();
      const series = await provider()
        .window(metric, { track: 'canary' }, 60_000)
        .catch(() => []);
      if (holds(series)) return;
      await sleep(500);
    }
  }

  const samplesOf = (series: readonly Series[]) =>
    Math.max(0, ...series.map(({ samples }) => samples.length));

  test('leads to the same verdict on a canary as our own scrapes do', async () => {
    await until((series) => samplesOf(series) >= 12);
    const verdicts = async (source: MetricsProvider) => {
      const observed = await rolloutMetrics({ provider: source, windowMs: 60_000 });
      const circumstances = { now: new Date(), staleAfterMs: 30_000, confidence: 0.95, alone: false };
      return (['errorRatio', 'mismatchRatio'] as const).map((name) => {
        const metric = { name, tolerance: 0.01, onNoData: 'inconclusive', dryRun: false } as const;
        return [name, judge(metric, observed[name], circumstances).judgement.verdict];
      });
    };
    expect(await verdicts(provider())).toEqual(await verdicts(store));
    expect(await verdicts(provider())).toEqual([
      ['errorRatio', 'fail'],
      ['mismatchRatio', 'pass'],
    ]);
    const query = { provider: provider(), windowMs: 60_000 };
    const [theirs, ours] = [await stepCounts(query), await stepCounts({ ...query, provider: store })];
    expect(theirs.canaryRequests).toBeGreaterThan(ours.canaryRequests / 3);
    expect(theirs.canaryRequests).toBeLessThan(ours.canaryRequests * 3);
  });

  test('keeps replicas of the gateway apart and gives samples the time of their scrape', async () => {
    await until((series) => samplesOf(series) >= 3);
    const series = await provider().window('gateway_put_get_checks_total', { track: 'stable' }, 60_000);
    expect(series.map(({ labels }) => labels['instance']).sort()).toEqual(['gateway-a', 'gateway-b']);
    expect(series.every(({ samples }) => isFresh(samples, Date.now(), 10_000))).toBe(true);
  });

  test('that is cut off is an error, and goes on with what it has after a restart', async () => {
    await until((series) => samplesOf(series) >= 3);
    await prometheus.kill();
    const query = { provider: provider(), windowMs: 60_000 };
    expect(await rolloutMetrics(query)).toMatchObject({
      errorRatio: { error: expect.stringMatching(/^prometheus http.*cannot be reached/) as unknown },
    });
    await prometheus.start();
    const before = Date.now();
    await until((series) => series.some(({ samples }) => samples.some(({ at }) => at > before)));
    const [first] = await provider().window('gateway_requests_total', { track: 'canary' }, 60_000);
    expect(first?.samples.some(({ at }) => at < before)).toBe(true);
  });

  test('whose targets are gone has samples that grow old, never new ones', async () => {
    await until((series) => samplesOf(series) >= 3);
    pages.show([]);
    const newest = async () => {
      const series = await provider().window('gateway_requests_total', { track: 'canary' }, 60_000);
      return Math.max(...series.map(({ samples }) => samples.at(-1)?.at ?? 0));
    };
    // Scrapes that were under way when the pages went are in by then.
    await sleep(2_500);
    const at = await newest();
    await sleep(2_500);
    expect(await newest()).toBe(at);
  });
});

describeHere('a Prometheus that asks for a login', () => {
  let prometheus: PrometheusProcess;
  beforeAll(async () => {
    // bcrypt of "prometheus".
    const hash = '$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay';
    prometheus = await startPrometheus({ web: { basic_auth_users: { admin: hash } } });
  });
  afterAll(() => prometheus.stop());

  test('is told as one that does not accept the token', async () => {
    const provider = new PrometheusProvider(
      { url: prometheus.url, readToken: () => Promise.resolve('wrong') },
      identity,
      { now: Date.now, timeoutMs: 5_000, signal: new AbortController().signal },
    );
    await expect(provider.window('edge_count', {}, 60_000)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringMatching(/answered 401 \(the token of tokenSecret/) as unknown,
    });
  });
});
