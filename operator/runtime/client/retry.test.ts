import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ApiError, ConnectionError, ProtocolError } from './errors.js';
import { defaultRetryPolicy, parseRetryAfter, retryDelayMs } from './retry.js';

const api = (status: number, retryAfterMs?: number) =>
  new ApiError(status, {}, { request: 'x', retryAfterMs });
const connection = (code: string) => new ConnectionError('x', code, undefined);
const delay = (error: unknown, idempotent: boolean, attempt = 1) =>
  retryDelayMs({ error, attempt, idempotent }, defaultRetryPolicy, () => 0.5);

describe('a request is sent again', () => {
  const cases: readonly [string, unknown, boolean, boolean][] = [
    // what                               error                           a read  a create
    ['too many requests', api(429), true, true],
    ['overloaded, with Retry-After', api(503, 100), true, true],
    ['overloaded, without', api(503), true, false],
    ['internal error', api(500), true, false],
    ['gateway timeout', api(504), true, false],
    ['conflict', api(409), false, false],
    ['not found', api(404), false, false],
    ['invalid', api(422), false, false],
    ['gone', api(410), false, false],
    ['nobody listens', connection('ECONNREFUSED'), true, true],
    ['no such host', connection('ENOTFOUND'), true, true],
    ['connection broke', connection('ECONNRESET'), true, false],
    ['no answer in time', connection('UND_ERR_HEADERS_TIMEOUT'), true, false],
    ['nonsense answered', new ProtocolError('x'), false, false],
    ['aborted', new DOMException('stop', 'AbortError'), false, false],
  ];
  test.each(cases)('%s', (_what, error, read, create) => {
    expect(delay(error, true) !== undefined).toBe(read);
    expect(delay(error, false) !== undefined).toBe(create);
  });

  test('only so often', () => {
    expect(delay(api(500), true, 3)).toBeDefined();
    expect(delay(api(500), true, 4)).toBeUndefined();
  });

  test('not before the server wants it, and not by the client when that is long', () => {
    expect(delay(api(429, 1_000), false)).toBe(1_000);
    expect(delay(api(429, 2_001), false)).toBeUndefined();
  });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.UTC(2030, 0, 1);
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
  expect(parseRetryAfter('7', now)).toBe(7_000);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(parseRetryAfter('Tue, 01 Jan 2030 00:00:09 GMT', now)).toBe(9_000);
  expect(parseRetryAfter('Mon, 31 Dec 2029 00:00:00 GMT', now)).toBe(0);
  fc.assert(fc.property(fc.string(), (text) => (parseRetryAfter(text, now) ?? 0) >= 0));
});
