import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { profileOf } from '../../test/tuning/profile.js';
import { aggregates } from '../api/tuning-rules.js';
import { tunableParameters, type Adjustment } from '../api/tuning-status.js';
import { aggregate } from './aggregate.js';
import { recorded } from './history.js';
import { oscillatingUntil, recentReversals, turned, type Direction } from './oscillation.js';
import { nextRuleStatus } from './rule-state.js';
import { nextValue } from './value.js';

const profile = profileOf({});
const [rule] = profile.rules;
const hourMs = 3_600_000;

describe('the value of a change', () => {
  const action = fc.oneof(
    fc.record({
      type: fc.constantFrom('multiply' as const, 'divide' as const),
      value: fc.double({ min: 1.001, max: 1e3, noNaN: true }),
    }),
    fc.record({ type: fc.constant('set' as const), value: fc.double({ min: 0, max: 1e3, noNaN: true }) }),
    fc.record({ type: fc.constant('relax' as const) }),
  );

  test('is in range, within a step unless the range pulls it in, and on the side that the rule wants', () => {
    const some = fc.record({
      parameter: fc.constantFrom(...tunableParameters),
      from: fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
      origin: fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
      action,
    });
    fc.assert(
      fc.property(some, ({ parameter, from, origin, action: wanted }) => {
        const spec = profile.parameters[parameter];
        const next = nextValue({ ...rule!, action: wanted }, { parameter, spec, from, origin });
        if (next === undefined) return;
        expect(next.to).toBeGreaterThanOrEqual(spec.min);
        expect(next.to).toBeLessThanOrEqual(spec.max);
        expect(Math.sign(next.to - from)).toBe(Math.sign(next.uncapped - from));
        if (from < spec.min || from > spec.max) return;
        const { ratio = Infinity, absolute = Infinity } = spec.maxStep;
        expect(Math.max(next.to / from, from / next.to)).toBeLessThanOrEqual(ratio * (1 + 1e-9));
        expect(Math.abs(next.to - from)).toBeLessThanOrEqual(absolute + 0.5);
      }),
    );
  });

  test('a factor there and back is no change', () => {
    const { learningRate: spec } = profile.parameters;
    const at = (from: number, type: 'multiply' | 'divide') =>
      nextValue(
        { ...rule!, action: { type, value: 1.1 } },
        { parameter: 'learningRate', spec, from, origin: from },
      )!.to;
    expect(at(at(0.01, 'multiply'), 'divide')).toBe(0.01);
  });

  test('a pin has the last word', () => {
    const spec = { ...profile.parameters.annealT0, pin: 3 };
    expect(nextValue(rule!, { parameter: 'annealT0', spec, from: 4, origin: 2 })?.to).toBe(3);
  });
});

describe('turns of a parameter', () => {
  test('are at most two in any window, whatever is tried, kept or reverted', () => {
    const attempt = fc.record({
      up: fc.boolean(),
      reverted: fc.boolean(),
      afterH: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 60 }), (attempts) => {
        const windowMs = 20 * hourMs;
        let memory: { lastDirection?: Direction; reversals: readonly string[] } = { reversals: [] };
        const turns: number[] = [];
        let now = 0;
        const move = (direction: Direction) => {
          if (memory.lastDirection !== undefined && memory.lastDirection !== direction) turns.push(now);
          memory = turned(memory, direction, new Date(now).toISOString());
        };
        for (const { up, reverted, afterH } of attempts) {
          now += afterH * hourMs;
          memory = { ...memory, reversals: recentReversals(memory.reversals, now, windowMs) };
          if (oscillatingUntil(memory, up ? 'Up' : 'Down', windowMs) !== undefined) continue;
          move(up ? 'Up' : 'Down');
          now += hourMs;
          if (reverted) move(up ? 'Down' : 'Up');
        }
        for (const [index, at] of turns.entries()) {
          expect((turns[index + 2] ?? Infinity) - at).toBeGreaterThanOrEqual(windowMs);
        }
      }),
    );
  });
});

describe('the hold of a rule', () => {
  const drop = { ...rule!, when: 'below' as const, enter: 0.05, exit: 0.06, for: '10m' };
  const run = (readings: readonly [number, number | undefined][]) => {
    let status = undefined as ReturnType<typeof nextRuleStatus> | undefined;
    let lastEvaluation: number | undefined = undefined;
    return readings.map(([minute, value]) => {
      const now = minute * 60_000;
      const reading =
        value === undefined
          ? ({ kind: 'missing', stale: true, reason: 'gone' } as const)
          : ({ kind: 'value', estimate: { value, standardError: 0, samples: 5 } } as const);
      status = nextRuleStatus(drop, reading, status, { now, lastEvaluation, staleAfterMs: 150_000 });
      lastEvaluation = now;
      return status.state;
    });
  };

  test('begins past enter, lasts until past exit, fires after its time', () => {
    expect(
      run([
        [0, 0.055],
        [5, 0.04],
        [10, 0.055],
        [15, 0.059],
        [20, 0.061],
        [25, 0.055],
      ]),
    ).toEqual(['Idle', 'Pending', 'Pending', 'Firing', 'Idle', 'Idle']);
  });

  test('does not outlast a gap in the samples, nor one of the tuner', () => {
    expect(
      run([
        [0, 0.04],
        [5, undefined],
        [10, 0.04],
        [15, 0.04],
        [30, 0.04],
        [35, 0.04],
        [40, 0.04],
      ]),
    ).toEqual(['Pending', 'NoData', 'Pending', 'Pending', 'Pending', 'Pending', 'Firing']);
  });
});

describe('aggregates', () => {
  const cycles = (values: readonly number[]) =>
    values.map((value, index) => ({ cycle: index + 1, at: index * hourMs, value }));

  test.each([
    ['mean', [1, 2, 6], 3],
    ['magnitude', [-1, 2, -6], 3],
    ['median', [1, 2, 6], 2],
    ['min', [3, 2, 6], 2],
    ['max', [3, 6, 2], 6],
    ['last', [3, 6, 2], 2],
    ['perCycle', [10, 10, 11, 12], 2 / 3],
    ['perCycle', [10, 12, 1], 1.5],
    ['signChanges', [1, -1, 0, -2, 3], 2 / 3],
    ['growthPerWeek', [100, 101, 102, 103, 104], 168 / 102],
  ] as const)('%s of %j', (kind, values, expected) => {
    const estimate = aggregate(kind, cycles(values));
    expect(estimate?.value).toBeCloseTo(expected, 12);
    expect(estimate?.samples).toBe(values.length);
  });

  test('a counter is spread over cycles that no scrape saw', () => {
    const seen = [
      { cycle: 1, at: 0, value: 4 },
      { cycle: 5, at: 1, value: 6 },
    ];
    expect(aggregate('perCycle', seen)?.value).toBe(0.5);
  });

  test.each(aggregates)('%s of nothing is nothing', (kind) => {
    expect(aggregate(kind, [])).toBeUndefined();
  });

  test('values that do not differ have no error', () => {
    for (const kind of aggregates) {
      expect(aggregate(kind, cycles([2, 2, 2, 2]))?.standardError ?? 0).toBe(0);
    }
  });
});

describe('the history', () => {
  test('keeps the newest within 50 entries and 16 KiB', () => {
    const entry = fc.record({
      id: fc.string({ maxLength: 8 }),
      rule: fc.string({ maxLength: 3000, unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 80 }), (entries) => {
        let history: Adjustment[] = [];
        for (const fields of entries) {
          const adjustment = { ...fields, outcome: 'OnTrial' } as unknown as Adjustment;
          history = recorded(history, adjustment);
          expect(history).toContain(adjustment);
          expect(history.length).toBeLessThanOrEqual(50);
          if (history.length > 1) {
            expect(Buffer.byteLength(JSON.stringify(history))).toBeLessThanOrEqual(16 * 1024 + 2);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});
