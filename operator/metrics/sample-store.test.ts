import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Gauge, Registry } from 'prom-client';
import { perCycle } from '../samples/cycles.js';
import { summed } from '../samples/series.js';
import { increase } from '../samples/windows.js';
import { keptMetrics } from './kept-metrics.js';
import { openSampleStore, type SampleStoreOptions } from './sample-store.js';
import { scrapeRound, type ScrapeTarget } from './scrape.js';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

let folder: string;
let now: number;
let lost: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'samples-'));
  now = Date.parse('2030-01-01T00:00:00Z');
  lost = [];
});
afterEach(() => rm(folder, { recursive: true }));

const open = (options: Partial<SampleStoreOptions> = {}) =>
  openSampleStore({
    file: join(folder, 'samples.json'),
    maxBytes: 1 << 20,
    kept: keptMetrics(),
    now: () => now,
    onLost: (reason) => lost.push(reason),
    ...options,
  });

const target: ScrapeTarget = { service: 'sleep', track: 'stable', url: 'http://127.0.0.1:1/metrics' };
const round = (samples: Readonly<Record<string, number>>) => ({
  at: now,
  results: [
    { target, samples: Object.entries(samples).map(([name, value]) => ({ name, labels: {}, value })) },
  ],
});

describe('the store', () => {
  test('keeps every sample for an hour and one of every five minutes for eight days', async () => {
    const store = await open();
    const begin = now;
    for (; now < begin + 9 * dayMs; now += minuteMs)
      store.append(round({ edge_count: (now - begin) / minuteMs }));
    now -= minuteMs;
    const [series] = await store.window('edge_count', { track: 'stable' }, 100 * dayMs);
    expect(series?.labels).toEqual({ service: 'sleep', track: 'stable' });
    const samples = series?.samples ?? [];
    expect(samples.at(-1)).toEqual({ at: now, value: 9 * 24 * 60 - 1 });
    expect(samples.filter(({ at }) => at > now - 60 * minuteMs)).toHaveLength(60);
    expect(now - samples[0]!.at).toBeLessThanOrEqual(8 * dayMs);
    // Every sample of the hour and back to the start of five minutes, here after 22:55.
    expect(samples.filter(({ at }) => at % (5 * minuteMs) !== 0)).toHaveLength(52);
    expect(samples).toHaveLength(64 + (8 * 24 - 1) * 12);
    // Ordered, and each the last of its five minutes.
    expect(samples.map(({ at }) => at)).toEqual(samples.map(({ at }) => at).sort((a, b) => a - b));
    expect(samples[1]!.value % 5).toBe(0);
  });

  test('has its down-sampled samples again after a restart, and only whole files', async () => {
    const before = await open();
    for (let i = 0; i < 20; i++, now += minuteMs) {
      before.append(round({ consol_cycles_total: i, gateway_put_get_checks_total: i, kcl_modes: NaN }));
    }
    await before.flush();
    const after = await open();
    const [series] = await after.window('consol_cycles_total', {}, dayMs);
    expect(series?.samples.map(({ value }) => value)).toEqual([0, 5, 10, 15, 19]);
    expect(await after.window('kcl_modes', {}, dayMs)).toEqual([]);
    expect(lost).toEqual([]);
  });

  test('counts over the restart of a service: the counter from 0, and cycles once each', async () => {
    const store = await open();
    for (const cycles of [1, 1, 2, 3, 0, 0, 1, 2]) {
      now += minuteMs;
      store.append(round({ consol_cycles_total: cycles, consol_settle_loops: 10 * cycles }));
    }
    const counter = summed(await store.window('consol_cycles_total', {}, dayMs));
    const loops = summed(await store.window('consol_settle_loops', {}, dayMs));
    expect(increase(counter)).toBe(4);
    expect(perCycle(loops, counter).map(({ value }) => value)).toEqual([10, 20, 30, 10, 20]);
  });

  test('leaves the oldest out when the file would be too large', async () => {
    const store = await open({ maxBytes: 20_000 });
    for (let i = 0; i < 2000; i++, now += 5 * minuteMs) store.append(round({ edge_count: i, kcl_modes: i }));
    await store.flush();
    expect((await stat(join(folder, 'samples.json'))).size).toBeLessThanOrEqual(20_000);
    const [series] = await (await open()).window('edge_count', {}, 100 * dayMs);
    expect(series?.samples.at(-1)?.value).toBe(1999);
    expect(series?.samples.length).toBeGreaterThan(200);
  });

  test.each([
    ['torn', '{"version":1,"series":[{"met'],
    ['of another version', '{"version":2,"series":[]}'],
    [
      'with columns of different length',
      '{"version":1,"series":[{"metric":"a","labels":{},"at":[1],"values":[]}]}',
    ],
  ])('begins anew on a file that is %s, and says so', async (_, text) => {
    await writeFile(join(folder, 'samples.json'), text);
    const store = await open();
    expect(lost).toHaveLength(1);
    store.append(round({ edge_count: 1 }));
    await store.flush();
    expect(JSON.parse(await readFile(join(folder, 'samples.json'), 'utf8'))).toMatchObject({ version: 1 });
  });

  test('adds up what differs only in labels that are not kept', async () => {
    const store = await open();
    const sample = (tool: string, code: string, session: string) => ({
      name: 'gateway_requests_total',
      labels: { tool, code, session, track: 'canary' },
      value: 1,
    });
    const gateway: ScrapeTarget = { service: 'gateway', url: 'http://127.0.0.1:1/metrics' };
    const samples = [sample('put', 'OK', 'a'), sample('put', 'OK', 'b'), sample('get', 'OK', 'a')];
    store.append({ at: now, results: [{ target: gateway, samples }] });
    const series = await store.window('gateway_requests_total', { track: 'canary' }, dayMs);
    expect(series.map(({ labels, samples: [only] }) => [labels['tool'], only?.value])).toEqual([
      ['put', 2],
      ['get', 1],
    ]);
    expect(await store.window('gateway_requests_total', { track: 'stable' }, dayMs)).toEqual([]);
  });

  test('keeps what a profile names besides, from when it is told', async () => {
    const store = await open();
    store.append(round({ my_metric: 1 }));
    store.keep(keptMetrics(['my_metric']));
    now += minuteMs;
    store.append(round({ my_metric: 2 }));
    const [series] = await store.window('my_metric', {}, dayMs);
    expect(series?.samples).toEqual([{ at: now, value: 2 }]);
  });
});

describe('a round of scrapes', () => {
  let server: Server;
  let registry: Registry;
  let url: string;
  let answer: (() => string) | undefined;
  beforeEach(async () => {
    registry = new Registry();
    registry.setDefaultLabels({ track: 'stable' });
    answer = undefined;
    server = createServer((_, response) => {
      if (answer !== undefined) response.end(answer());
      else void registry.metrics().then((page) => response.end(page));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const scrapeAll = (...targets: ScrapeTarget[]) =>
    scrapeRound(targets, { now: () => now, timeoutMs: 2000, signal: new AbortController().signal });

  test('reads a real page into the store', async () => {
    new Counter({ name: 'consol_cycles_total', help: 'c', registers: [registry] }).inc(7);
    new Gauge({ name: 'not_kept', help: 'n', registers: [registry] }).set(1);
    const store = await open();
    store.append(await scrapeAll({ service: 'sleep', track: 'stable', url }));
    const [series] = await store.window('consol_cycles_total', { track: 'stable', service: 'sleep' }, dayMs);
    expect(series?.samples).toEqual([{ at: now, value: 7 }]);
    expect(await store.window('not_kept', {}, dayMs)).toEqual([]);
  });

  test('has an error in the place of a target that fails, and the others all the same', async () => {
    new Gauge({ name: 'edge_count', help: 'e', registers: [registry] }).set(1);
    const { results } = await scrapeAll(
      { service: 'pruner', track: 'stable', url },
      { service: 'vault', track: 'stable', url: 'http://127.0.0.1:1/metrics' },
    );
    expect(results[0]).toHaveProperty('samples');
    expect(results[1]).toMatchObject({ target: { service: 'vault' }, error: { name: 'ServiceError' } });
  });

  test('refuses a process of the other track on the port', async () => {
    new Gauge({ name: 'edge_count', help: 'e', registers: [registry] }).set(1);
    const { results } = await scrapeAll({ service: 'pruner', track: 'canary', url });
    expect(results).toMatchObject([
      {
        error: {
          code: 'FAILED_PRECONDITION',
          message: `${url}: edge_count is of track stable; expected canary`,
        },
      },
    ]);
  });

  test('refuses a page that is not metrics', async () => {
    answer = () => '<html></html>';
    const { results } = await scrapeAll({ service: 'pruner', track: 'stable', url });
    expect(results).toMatchObject([{ error: { code: 'INTERNAL' } }]);
  });
});
