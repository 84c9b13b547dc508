import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { rateGuard } from './rate-limit.js';

const from = (remoteAddress: string) => ({ socket: { remoteAddress } }) as unknown as IncomingMessage;

test('a client has its burst, then its rate, and others are not held up', () => {
  let now = 0;
  const guard = rateGuard({ perSecond: 2, burst: 3 }, () => now);
  const passed = (client: string, count: number) =>
    Array.from({ length: count }, () => guard(from(client)) === undefined).filter(Boolean).length;

  expect(passed('10.0.0.1', 10)).toBe(3);
  expect(guard(from('10.0.0.1'))).toMatchObject({ status: 429, retryAfterSeconds: 1 });
  expect(passed('10.0.0.2', 1)).toBe(1);
  now += 1_000;
  expect(passed('10.0.0.1', 10)).toBe(2);
  now += 3_600_000;
  expect(passed('10.0.0.1', 10)).toBe(3);
});

test('requests that were refused do not count', () => {
  let now = 0;
  const guard = rateGuard({ perSecond: 1, burst: 1 }, () => now);
  guard(from('a'));
  for (let i = 0; i < 100; i++) guard(from('a'));
  now += 1_000;
  expect(guard(from('a'))).toBeUndefined();
});

test('a slow rate says how long to wait', () => {
  const guard = rateGuard({ perSecond: 0.1, burst: 1 }, () => 0);
  guard(from('a'));
  expect(guard(from('a'))).toMatchObject({ retryAfterSeconds: 10 });
});

test('without a limit nobody is refused', () => {
  const guard = rateGuard({ perSecond: 0, burst: 1 }, () => 0);
  for (let i = 0; i < 1_000; i++) expect(guard(from('a'))).toBeUndefined();
});
