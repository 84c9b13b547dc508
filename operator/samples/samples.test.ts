import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { perCycle } from './cycles.js';
import { summed, type Sample } from './series.js';
import { median, normalCdf, standardDeviation, theilSen } from './statistics.js';
import { bucketIncreases, increase, isFresh } from './windows.js';

const at = (values: readonly number[], everyMs = 1000): Sample[] =>
  values.map((value, index) => ({ at: index * everyMs, value }));

describe('windows', () => {
  test('a counter grows over restarts', () => {
    expect(increase(at([5, 7, 7, 1, 4]))).toBe(6);
    expect(increase(at([5]))).toBeUndefined();
  });

  test('the increase of a counter is what was counted, wherever it restarts before a count', () => {
    const counted = fc.array(fc.record({ by: fc.nat(50), restarts: fc.boolean() }), { minLength: 1 });
    fc.assert(
      fc.property(counted, (steps) => {
        let value = 0;
        const values = [0];
        for (const { by, restarts } of steps) {
          // A restart shows only when the counter then reads less than before.
          if (restarts && by < value) value = 0;
          values.push((value += by));
        }
        expect(increase(at(values))).toBe(steps.reduce((sum, { by }) => sum + by, 0));
      }),
    );
  });

  test('freshness is the age of the newest sample', () => {
    expect(isFresh(at([1, 2]), 3000, 2000)).toBe(true);
    expect(isFresh(at([1, 2]), 3001, 2000)).toBe(false);
    expect(isFresh([], 0, 2000)).toBe(false);
  });

  test('bucket increases are summed over all labels but le', () => {
    const bucket = (le: string, tool: string, values: number[]) => ({
      labels: { le, tool },
      samples: at(values),
    });
    expect(
      bucketIncreases([
        bucket('+Inf', 'put', [0, 9]),
        bucket('0.1', 'put', [0, 4]),
        bucket('0.1', 'get', [2, 3]),
        bucket('odd', 'get', [2, 3]),
      ]),
    ).toEqual([
      { le: 0.1, count: 5 },
      { le: Infinity, count: 9 },
    ]);
  });

  test('series add up by time', () => {
    const one = { labels: {}, samples: at([1, 2]) };
    const late = { labels: {}, samples: [{ at: 1000, value: 10 }] };
    expect(summed([one, late])).toEqual(at([1, 12]));
  });
});

describe('sleep cycles', () => {
  test('each is read once, at its last value, from the scrape that saw it first', () => {
    expect(perCycle(at([9, 5, 6, 7, 8]), at([0, 1, 1, 3, 3]))).toEqual([
      { cycle: 1, at: 1000, value: 6 },
      { cycle: 3, at: 3000, value: 8 },
    ]);
  });

  test('go on counting over a restart, whose zeros are left out', () => {
    expect(perCycle(at([5, 6, 0, 7]), at([1, 2, 0, 1])).map(({ cycle, value }) => [cycle, value])).toEqual([
      [1, 5],
      [2, 6],
      [3, 7],
    ]);
  });

  test('how often one scrapes does not matter', () => {
    const nights = fc.array(fc.record({ value: fc.integer(), scrapes: fc.integer({ min: 1, max: 5 }) }));
    fc.assert(
      fc.property(nights, (list) => {
        const value: Sample[] = [];
        const counter: Sample[] = [];
        for (const [index, night] of list.entries()) {
          for (let i = 0; i < night.scrapes; i++) {
            const instant = value.length * 1000;
            value.push({ at: instant, value: night.value });
            counter.push({ at: instant, value: index + 1 });
          }
        }
        expect(perCycle(value, counter).map((cycle) => cycle.value)).toEqual(
          list.map((night) => night.value),
        );
      }),
    );
  });
});

describe('statistics', () => {
  test('known values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(normalCdf(0)).toBeCloseTo(0.5, 6);
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6);
    expect(normalCdf(-1.644854)).toBeCloseTo(0.05, 6);
  });

  test('Theil–Sen finds a line exactly, and a quarter of wild points does not move it', () => {
    const line = fc.record({
      slope: fc.integer({ min: -50, max: 50 }),
      offset: fc.integer({ min: -50, max: 50 }),
    });
    fc.assert(
      fc.property(line, fc.array(fc.nat(39), { maxLength: 4 }), ({ slope, offset }, wild) => {
        const points = Array.from({ length: 40 }, (_, x) => ({
          x,
          y: wild.includes(x) ? 1e6 : slope * x + offset,
        }));
        expect(theilSen(points)?.slope).toBe(slope);
      }),
    );
    expect(theilSen([{ x: 1, y: 1 }])).toBeUndefined();
  });

  test('Theil–Sen on more points than it looks at in pairs', () => {
    const points = Array.from({ length: 5000 }, (_, x) => ({ x, y: 3 * x + (x % 2) }));
    expect(theilSen(points)?.slope).toBeCloseTo(3, 3);
  });

  test('Theil–Sen gives noise as its error', () => {
    const noisy = [1, 3, 2, 5, 4, 6].map((y, x) => ({ x, y }));
    expect(theilSen(noisy)?.slope).toBe(1);
    expect(theilSen(noisy)?.standardError).toBeGreaterThan(0);
  });
});
