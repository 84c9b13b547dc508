import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusProvider } from './prometheus.js';
import { rolloutMetrics, stepCounts } from './rollout-metrics.js';
import { tuningSamples } from './tuning-samples.js';

const now = Date.parse('2030-01-01T00:02:00Z');
const seconds = now / 1000;

/** A server that answers as a test wants: faults that a real one cannot be asked for. */
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { path: string; query: URLSearchParams; authorization: string | undefined }[];
let tokens: string[];

beforeEach(async () => {
  asked = [];
  tokens = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://prometheus');
    const { authorization } = request.headers;
    asked.push({ path: url.pathname, query: url.searchParams, authorization });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function provider(options: { readonly token?: boolean; readonly timeoutMs?: number } = {}) {
  const { port } = server.address() as AddressInfo;
  const readToken = () => {
    const next = tokens.shift();
    return next === undefined
      ? Promise.reject(new Error('Secret "prometheus" not found'))
      : Promise.resolve(next);
  };
  return new PrometheusProvider(
    { url: `http://127.0.0.1:${port}/prefix/`, ...(options.token === true && { readToken }) },
    { namespace: 'memory', cluster: 'mc' },
    { now: () => now, timeoutMs: options.timeoutMs ?? 5_000, signal: new AbortController().signal },
  );
}

const text = (status: number, body: string, headers: Record<string, string> = {}) => {
  answer = (_, response) => response.writeHead(status, headers).end(body);
};
const json = (status: number, body: unknown) => text(status, JSON.stringify(body));
const matrix = (
  ...series: readonly (readonly [Record<string, string>, readonly (readonly [number, string])[]])[]
) => json(200, { status: 'success', data: { resultType: 'matrix', result: series.map(toSeries) } });
const toSeries = ([metric, values]: readonly [Record<string, string>, unknown]) => ({
  metric: { __name__: 'edge_count', ...metric },
  values,
});
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const window = () => provider().window('edge_count', { track: 'stable' }, 60_000);

describe('what is asked', () => {
  test('one query for all metrics of a track that are wanted in the same turn', async () => {
    matrix();
    await rolloutMetrics({ provider: provider(), windowMs: 600_000 });
    expect(asked.map(({ path, query }) => [path, query.get('query'), query.get('time')])).toEqual(
      ['stable', 'canary'].map((track) => [
        '/prefix/api/v1/query',
        '{__name__=~"consol_cycles_total|consol_energy_drop_ratio|gateway_put_get_checks_total' +
          '|gateway_put_get_mismatch_total|gateway_request_seconds_bucket|gateway_requests_total", ' +
          `namespace="memory", cluster="mc", track="${track}"}[600000ms]`,
        seconds.toFixed(3),
      ]),
    );
  });

  test('the last sample of every five minutes before the last hour, and nothing of no time', async () => {
    matrix();
    await provider().window('edge_count', {}, 8 * 24 * 3_600_000 + 1);
    const [range, recent] = asked.toSorted((a, b) => b.path.length - a.path.length);
    expect(range?.path).toBe('/prefix/api/v1/query_range');
    expect(Object.fromEntries(range!.query)).toMatchObject({
      query: 'last_over_time({__name__=~"edge_count", namespace="memory", cluster="mc"}[300000ms])',
      start: (seconds - 8 * 24 * 3600 - 120 + 300).toFixed(3),
      end: (seconds - 3600 - 120).toFixed(3),
      step: '300.000',
    });
    expect(recent?.query.get('query')).toMatch(/\[3720000ms\]$/);
    asked = [];
    expect(await provider().window('edge_count', {}, 0)).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('histograms only as far back as scraping keeps them', async () => {
    matrix();
    await provider().window('gateway_request_seconds_bucket', {}, 24 * 3_600_000);
    expect(asked.map(({ query }) => query.get('query'))).toEqual([expect.stringMatching(/\[3720000ms\]$/)]);
  });
});

describe('an answer', () => {
  test('that is empty is no series', async () => {
    matrix();
    expect(await window()).toEqual([]);
  });

  test('with NaN and infinities has gaps there', async () => {
    matrix([
      { service: 'pruner', track: 'stable', instance: 'a' },
      [
        [seconds - 40, '1'],
        [seconds - 30, 'NaN'],
        [seconds - 20, '+Inf'],
        [seconds - 10, '-Inf'],
        [seconds, '2e3'],
      ],
    ]);
    expect(await window()).toEqual([
      {
        labels: { service: 'pruner', track: 'stable' },
        samples: [
          { at: now - 40_000, value: 1 },
          { at: now, value: 2000 },
        ],
      },
    ]);
  });

  test('of one target is added up over labels that are not kept', async () => {
    matrix(
      [{ tenant: 'a', instance: 'x' }, [[seconds, '1']]],
      [{ tenant: 'b', instance: 'x' }, [[seconds, '2']]],
    );
    expect(await window()).toEqual([{ labels: {}, samples: [{ at: now, value: 3 }] }]);
  });

  test('of a pod and its successor is one series, of two pods at once two', async () => {
    matrix([{ pod: 'new' }, [[seconds - 10, '7']]], [{ pod: 'old' }, [[seconds - 20, '9']]]);
    expect(await window()).toEqual([
      {
        labels: {},
        samples: [
          { at: now - 20_000, value: 9 },
          { at: now - 10_000, value: 7 },
        ],
      },
    ]);
    const apart: [number, string][] = [
      [seconds - 30, '1'],
      [seconds, '2'],
    ];
    matrix([{ pod: 'a' }, apart], [{ pod: 'b' }, apart]);
    const series = await window();
    expect(series.map(({ labels }) => labels)).toEqual([{ instance: 'a' }, { instance: 'b' }]);
  });
});

describe('an error', () => {
  const cases: readonly [string, () => void, string, RegExp][] = [
    [
      'a query that is refused',
      () => json(400, { status: 'error', errorType: 'bad_data', error: 'parse error' }),
      'INVALID_ARGUMENT',
      /answered 400: bad_data: parse error/,
    ],
    [
      'too many samples',
      () => json(422, { status: 'error', errorType: 'execution', error: 'too many samples' }),
      'INVALID_ARGUMENT',
      /422: execution: too many samples/,
    ],
    [
      'a gateway error with a page',
      () => text(502, '<html>Bad Gateway</html>'),
      'UNAVAILABLE',
      /answered 502$/,
    ],
    ['too many requests', () => text(429, ''), 'RESOURCE_EXHAUSTED', /answered 429/],
    ['a wrong path', () => text(404, '404 page not found'), 'FAILED_PRECONDITION', /404 \(the url has no/],
    ['a login page', () => text(200, '<html>Log in</html>'), 'FAILED_PRECONDITION', /expected the query API/],
    [
      'a redirect to a login page',
      () => text(302, '', { location: 'http://login.invalid/' }),
      'FAILED_PRECONDITION',
      /302 \(a redirect/,
    ],
    ['no token', () => text(401, 'Unauthorized'), 'UNAUTHENTICATED', /401 \(the token of tokenSecret/],
    ['no right', () => text(403, 'Forbidden'), 'UNAUTHENTICATED', /403 \(the token/],
    [
      'an error with status 200',
      () => json(200, { status: 'error', errorType: 'timeout', error: 'query timed out' }),
      'UNAVAILABLE',
      /timeout: query timed out/,
    ],
    [
      'half an answer, by its warnings',
      () =>
        json(200, {
          status: 'success',
          warnings: ['store gone'],
          data: { resultType: 'matrix', result: [] },
        }),
      'UNAVAILABLE',
      /in part: store gone/,
    ],
    [
      'half an answer, by isPartial',
      () => json(200, { status: 'success', isPartial: true, data: { resultType: 'matrix', result: [] } }),
      'UNAVAILABLE',
      /in part: isPartial/,
    ],
    [
      'another kind of result',
      () => json(200, { status: 'success', data: { resultType: 'vector', result: [] } }),
      'FAILED_PRECONDITION',
      /something else than a matrix/,
    ],
    [
      'values that are no pairs',
      () =>
        json(200, {
          status: 'success',
          data: { resultType: 'matrix', result: [{ metric: {}, values: [1] }] },
        }),
      'FAILED_PRECONDITION',
      /something else than a matrix/,
    ],
    ['a body that is cut', () => text(200, '{"status":"succ'), 'FAILED_PRECONDITION', /not its JSON/],
    [
      'a connection that is cut',
      () => (answer = (request) => request.destroy()),
      'UNAVAILABLE',
      /cannot be reached/,
    ],
  ];

  test.each(cases)('%s is told with its server', async (_, arrange, code, message) => {
    arrange();
    await expect(window()).rejects.toMatchObject({ code, message: matching(message) });
    await expect(window()).rejects.toThrow(/^prometheus http:\/\/127\.0\.0\.1:\d+\/prefix: /);
  });

  test('nobody there, no answer, and an endless answer end', async () => {
    answer = () => undefined;
    await expect(provider({ timeoutMs: 50 }).window('edge_count', {}, 1_000)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    answer = (_, response) => {
      const chunk = Buffer.alloc(1 << 20, ' ');
      const more = () => {
        while (response.writable && response.write(chunk));
      };
      response.on('drain', more);
      more();
    };
    await expect(window()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    const gone = provider();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(gone.window('edge_count', {}, 1_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('is an observation, a count of nothing and a reason, never data', async () => {
    text(503, '');
    const query = { provider: provider(), windowMs: 60_000 };
    const error = matching(/answered 503/);
    const failed = { error };
    expect(await rolloutMetrics(query)).toEqual({
      errorRatio: failed,
      latencyP99: failed,
      mismatchRatio: failed,
      energyDrop: failed,
    });
    expect(await stepCounts(query)).toEqual({
      stableRequests: 0,
      canaryRequests: 0,
      canarySleeps: 0,
      error,
    });
    const rules = [{ metric: 'edge_count', window: '24h' }];
    const profile = { rules } as unknown as Parameters<typeof tuningSamples>[1];
    expect(await tuningSamples(query.provider, profile)).toEqual({
      consol_cycles_total: failed,
      edge_count: failed,
    });
  });
});

describe('the bearer token', () => {
  test('is sent, read once, and read anew when it is refused', async () => {
    tokens = ['first\n', 'second'];
    answer = ({ headers }, response) => {
      const known = headers.authorization === 'Bearer second' || asked.length < 3;
      response.writeHead(known ? 200 : 401);
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }));
    };
    const one = provider({ token: true });
    for (let i = 0; i < 4; i++) await one.window('edge_count', {}, 1_000);
    expect(asked.map(({ authorization }) => authorization?.slice('Bearer '.length))).toEqual([
      'first',
      'first',
      'first',
      'second',
      'second',
    ]);
  });

  test('that is refused twice, or cannot be read, is an error that does not hold it', async () => {
    tokens = ['one-secret', 'another-secret'];
    text(401, 'Unauthorized');
    const one = provider({ token: true });
    const refused = await one.window('edge_count', {}, 1_000).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(String(refused)).not.toMatch(/secret/);
    expect(asked).toHaveLength(2);
    await expect(provider({ token: true }).window('edge_count', {}, 1_000)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: matching(/token cannot be read: Secret "prometheus" not found/),
    });
  });
});
