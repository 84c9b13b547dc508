import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { ApiError } from '../client/errors.js';
import { pause } from '../clock/clock.js';
import { FakeClock } from '../clock/fake-clock.js';
import { firstProblem, Heartbeat } from '../health/heartbeat.js';
import { createRuntimeMetrics } from '../metrics.js';
import { Controller, type ControllerOptions } from './controller.js';

function create(reconcile: ControllerOptions['reconcile']) {
  const clock = new FakeClock();
  const registry = new Registry();
  const logged: string[] = [];
  const log = (level: string) => (_context: unknown, message?: string) =>
    void logged.push(`${level}: ${message ?? ''}`);
  const controller = new Controller({
    name: 'test',
    reconcile,
    clock,
    random: () => 0,
    backoff: { initialMs: 100, maxMs: 10_000 },
    metrics: createRuntimeMetrics(registry),
    logger: {
      debug: log('debug'),
      warn: log('warn'),
      error: log('error'),
    },
  });
  const stopping = new AbortController();
  const ended = controller.run(stopping.signal);
  const counted = async (name: string) =>
    (await registry.getSingleMetric(name)!.get()).values.map(({ labels, value }) => [
      labels['result'],
      value,
    ]);
  return { clock, controller, logged, counted, stop: () => stopping.abort(new Error('stop')), ended };
}

describe('a controller', () => {
  test('asks again when a reconcile wants it, and only as the last one wanted', async () => {
    const times: number[] = [];
    const wishes = [1_000, 5_000, undefined];
    const { clock, controller, counted } = create(() => {
      times.push(clock.monotonic());
      return Promise.resolve({ requeueAfterMs: wishes.shift() });
    });
    controller.add('a');
    await clock.advance(400);
    controller.add('a');
    await clock.advance(60_000);
    expect(times).toEqual([0, 400, 5_400]);
    expect(controller.idle).toBe(true);
    expect(await counted('controller_runtime_reconcile_total')).toEqual([
      ['requeue_after', 2],
      ['success', 1],
    ]);
  });

  test('tries again after failures, with patience, and as patient as the server wants', async () => {
    const times: number[] = [];
    const failures = [
      new Error('world'),
      new ApiError(409, { reason: 'Conflict' }, { request: 'x' }),
      new ApiError(429, {}, { request: 'x', retryAfterMs: 7_000 }),
      new TypeError('code'),
    ];
    const { clock, controller, logged, counted } = create(() => {
      times.push(clock.monotonic());
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve(undefined) : Promise.reject(failure);
    });
    controller.add('a');
    await clock.advance(60_000);
    expect(times).toEqual([0, 50, 150, 7_150, 7_550]);
    expect(logged).toEqual([
      'warn: a reconcile failed and is done again',
      'debug: somebody else wrote first; the reconcile is done again',
      'warn: a reconcile failed and is done again',
      'error: a reconcile failed by a mistake in the program',
    ]);
    expect(await counted('controller_runtime_reconcile_panics_total')).toEqual([[undefined, 1]]);
    expect(await counted('controller_runtime_reconcile_errors_total')).toEqual([[undefined, 4]]);
    expect(await counted('controller_runtime_reconcile_total')).toEqual([
      ['error', 4],
      ['success', 1],
    ]);
  });

  test('gives a reconcile that throws at once another try', async () => {
    let calls = 0;
    const { clock, controller } = create(() => {
      calls++;
      if (calls === 1) throw new Error('not even a promise');
      return Promise.resolve(undefined);
    });
    controller.add('a');
    await clock.advance(1_000);
    expect(calls).toBe(2);
  });

  test('aborts a reconcile that takes too long, and tells when even that does not help', async () => {
    const reasons: unknown[] = [];
    const { clock, controller } = create(async (_key, signal) => {
      await pause(clock, 1_000_000);
      reasons.push(signal.reason);
      return undefined;
    });
    controller.add('a');
    await clock.advance(120_000);
    expect(controller.problem()).toBeUndefined();
    await clock.advance(121_000);
    expect(firstProblem([controller])).toBe('controller test: a reconcile has taken 241 s');
    await clock.advance(1_000_000);
    expect(String(reasons[0])).toContain('the reconcile took longer than 120 s');
    expect(firstProblem([controller])).toBeUndefined();
  });

  test('that stops aborts its reconciles, waits for them, and counts them as no failure', async () => {
    const { clock, controller, counted, stop, ended } = create(async (_key, signal) => {
      await pause(clock, 10_000, signal);
      signal.throwIfAborted();
      return undefined;
    });
    controller.add('a');
    await clock.advance(1);
    stop();
    await ended;
    expect(await counted('controller_runtime_reconcile_total')).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

test('a heartbeat is a problem when it is old', async () => {
  const clock = new FakeClock();
  const heartbeat = new Heartbeat('loop', 5_000, clock);
  await clock.advance(5_000);
  expect(heartbeat.problem()).toBeUndefined();
  await clock.advance(1_000);
  expect(heartbeat.problem()).toBe('loop: no sign for 6 s');
  heartbeat.beat();
  expect(heartbeat.problem()).toBeUndefined();
});
