import { expect, test } from '@jest/globals';
import { Latencies } from './latency.js';

test('gives percentiles in milliseconds within three significant digits', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
  const { count, p50, p99, max } = latencies.summary();
  expect(count).toBe(1000);
  expect(p50 / 500).toBeCloseTo(1, 2);
  expect(p99 / 990).toBeCloseTo(1, 2);
  expect(max / 1000).toBeCloseTo(1, 2);
});

test('never gives a percentile above the maximum', () => {
  const latencies = new Latencies();
  latencies.record(558.401);
  const { p999, max } = latencies.summary();
  expect(p999).toBeLessThanOrEqual(max);
  expect(max).toBeCloseTo(558.401, 3);
});

test('takes nothing, less than a microsecond and more than an hour', () => {
  expect(new Latencies().summary()).toMatchObject({ count: 0, p50: 0, max: 0 });
  const latencies = new Latencies();
  latencies.record(0);
  latencies.record(1e9);
  expect(latencies.summary().count).toBe(2);
});
