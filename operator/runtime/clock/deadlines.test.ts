import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Deadlines } from './deadlines.js';
import { FakeClock } from './fake-clock.js';
import { longestDelayMs } from './clock.js';

test('every key comes due at its last deadline, in order, behind one timer', async () => {
  const command = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    delayMs: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    passMs: fc.integer({ min: 0, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 200 }), async (commands) => {
      const clock = new FakeClock();
      const expected = new Map<string, number>();
      const deadlines = new Deadlines(clock, (key) => {
        expect(expected.get(key)).toBe(clock.monotonic());
        expected.delete(key);
      });
      for (const { key, delayMs, passMs } of commands) {
        if (delayMs === undefined) {
          deadlines.delete(key);
          expected.delete(key);
        } else {
          deadlines.set(key, delayMs);
          expected.set(key, clock.monotonic() + delayMs);
        }
        expect(clock.timers).toBeLessThanOrEqual(1);
        expect(deadlines.size).toBe(expected.size);
        await clock.advance(passMs);
      }
      await clock.advance(1_000);
      expect([...expected]).toEqual([]);
      expect(clock.timers).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test('a deadline may be further away than a timer can be', async () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, run) => {
    asked.push(delayMs);
    return after(delayMs, run);
  };
  const due: string[] = [];
  new Deadlines(clock, (key) => due.push(key)).set('a', 2 * longestDelayMs + 5);
  await clock.advance(2 * longestDelayMs + 4);
  expect(due).toEqual([]);
  await clock.advance(1);
  expect(due).toEqual(['a']);
  expect(asked).toEqual([longestDelayMs, longestDelayMs, 5]);
});
