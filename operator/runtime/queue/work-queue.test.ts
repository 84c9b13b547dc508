import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { backoffMs } from '../clock/backoff.js';
import { pause } from '../clock/clock.js';
import { FakeClock } from '../clock/fake-clock.js';
import { createRuntimeMetrics } from '../metrics.js';
import { WorkQueue } from './work-queue.js';
import { runWorkers } from './workers.js';

const backoff = { initialMs: 10, maxMs: 1_000 };

function create(random: () => number = () => 0) {
  const clock = new FakeClock();
  const registry = new Registry();
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random,
    backoff,
    metrics: createRuntimeMetrics(registry).queue,
  });
  const value = async (name: string) => (await registry.getSingleMetric(name)!.get()).values[0]?.value;
  return { clock, queue, registry, value };
}

describe('keys', () => {
  test('wait once however often they are added', () => {
    const { queue } = create();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.depth).toBe(2);
    expect([queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', undefined]);
  });

  test('added while they are worked on wait for that work to end, then come again', () => {
    const { queue } = create();
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(queue.take()).toBe('a');
    queue.done('a');
    expect(queue.take()).toBeUndefined();
  });

  test('come later when they are asked for later, and at the earliest time that was asked for', async () => {
    const { queue, clock } = create();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 70);
    await clock.advance(49);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.take()).toBe('a');
    queue.done('a');
    await clock.advance(1_000);
    expect(queue.depth).toBe(0);
  });

  test('that are all asked for later share one timer', () => {
    const { queue, clock } = create();
    for (let k = 0; k < 1_000; k++) queue.addAfter(`${k}`, 1 + ((k * 7_919) % 1_000));
    expect(clock.timers).toBe(1);
  });
});

describe('back-off', () => {
  test('doubles to its bound, and starts anew after success', async () => {
    const { queue, clock } = create(() => 0.999_999);
    const waits: number[] = [];
    for (let k = 0; k < 9; k++) {
      const started = clock.monotonic();
      queue.retry('a');
      while (queue.take() === undefined) await clock.advance(1);
      waits.push(clock.monotonic() - started);
      queue.done('a');
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    queue.forget('a');
    queue.retry('a');
    await clock.advance(10);
    expect(queue.take()).toBe('a');
  });

  test('stays between half its bound and its bound', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fraction, (failures, random) => {
        const bound = Math.min(1_000, 10 * 2 ** (failures - 1));
        const wait = backoffMs(failures, backoff, () => random);
        expect(wait).toBeGreaterThanOrEqual(bound / 2);
        expect(wait).toBeLessThanOrEqual(bound);
      }),
    );
  });

  test('waits at least as long as the failure asks for', async () => {
    const { queue, clock } = create();
    queue.retry('a', 5_000);
    await clock.advance(4_999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
  });
});

describe('workers', () => {
  const command = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c', 'd') }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('later' as const),
        key: fc.constantFrom('a', 'b', 'c', 'd'),
        ms: fc.integer({ min: 0, max: 50 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 30 }) }),
    },
  );

  test('never have the same key, never more keys than workers, and see every addition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.record({ ms: fc.integer({ min: 0, max: 20 }), fails: fc.boolean() })),
        async (commands, workers, works) => {
          const { queue, clock } = create(() => 0.5);
          const stopping = new AbortController();
          const working = new Set<string>();
          /** Additions that no work has begun after yet. */
          const unseen = new Set<string>();
          let failuresLeft = 40;
          const wrong: string[] = [];
          const work = async (key: string) => {
            if (working.has(key)) wrong.push(`two workers have ${key}`);
            working.add(key);
            if (working.size > workers) wrong.push(`${working.size} keys are worked on`);
            unseen.delete(key);
            const { ms, fails } = works.next().value as { ms: number; fails: boolean };
            await pause(clock, ms);
            working.delete(key);
            if (fails && failuresLeft-- > 0) {
              unseen.add(key);
              queue.retry(key);
            } else {
              queue.forget(key);
            }
          };
          const ended = runWorkers({ queue, workers, work, signal: stopping.signal });
          for (const one of commands) {
            if (one.do === 'pass') {
              await clock.advance(one.ms);
              continue;
            }
            unseen.add(one.key);
            if (one.do === 'add') queue.add(one.key);
            else queue.addAfter(one.key, one.ms);
          }
          await clock.advance(60_000);
          expect(wrong).toEqual([]);
          expect([...unseen]).toEqual([]);
          expect(queue.state()).toEqual({ depth: 0, unfinishedSeconds: 0, longestSeconds: 0 });
          stopping.abort();
          await ended;
        },
      ),
      { numRuns: 200 },
    );
  });

  test('that are told to stop finish what they have and take no more', async () => {
    const { queue, clock } = create();
    const stopping = new AbortController();
    const worked: string[] = [];
    const work = async (key: string) => {
      await pause(clock, 10);
      worked.push(key);
    };
    let ended = false;
    void runWorkers({ queue, workers: 1, work, signal: stopping.signal }).then(() => (ended = true));
    queue.add('a');
    queue.add('b');
    await clock.advance(5);
    stopping.abort();
    await clock.advance(1);
    expect(ended).toBe(false);
    await clock.advance(10);
    expect(worked).toEqual(['a']);
    expect(ended).toBe(true);
    expect(queue.depth).toBe(1);
  });
});

test('metrics have the names and meanings of client-go', async () => {
  const { queue, clock, registry, value } = create();
  queue.add('a');
  queue.add('a');
  queue.add('b');
  await clock.advance(2_000);
  queue.take();
  await clock.advance(3_000);
  queue.retry('b');
  expect(await value('workqueue_adds_total')).toBe(2);
  expect(await value('workqueue_retries_total')).toBe(1);
  expect(await value('workqueue_depth')).toBe(1);
  expect(await value('workqueue_unfinished_work_seconds')).toBe(3);
  expect(await value('workqueue_longest_running_processor_seconds')).toBe(3);
  queue.done('a');
  expect(await registry.metrics()).toContain('workqueue_queue_duration_seconds_sum{name="test"} 2\n');
  expect(await registry.metrics()).toContain('workqueue_work_duration_seconds_sum{name="test"} 3\n');
  expect(await value('workqueue_longest_running_processor_seconds')).toBe(0);
});
