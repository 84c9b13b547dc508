import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newcombe, normalQuantile, studentQuantile, welch, wilson } from './statistics.js';

const z975 = 1.959964;

describe('against published values', () => {
  // R. G. Newcombe (1998), Table I: 81 of 263, and II, method 10: 56/70 − 48/80.
  test('wilson', () => {
    const { lower, upper } = wilson({ successes: 81, total: 263 }, z975);
    expect(lower).toBeCloseTo(0.2553, 4);
    expect(upper).toBeCloseTo(0.3662, 4);
    expect(wilson({ successes: 0, total: 20 }, z975)).toMatchObject({ lower: 0 });
    expect(wilson({ successes: 0, total: 20 }, z975).upper).toBeCloseTo(0.1611, 4);
  });

  test('newcombe', () => {
    const { estimate, lower, upper } = newcombe(
      { successes: 56, total: 70 },
      { successes: 48, total: 80 },
      z975,
    );
    expect(estimate).toBeCloseTo(0.2, 10);
    expect(lower).toBeCloseTo(0.0524, 4);
    expect(upper).toBeCloseTo(0.3339, 4);
  });

  test.each([
    [0.9, 1.28155],
    [0.975, 1.95996],
    [0.99, 2.32635],
    [0.9999, 3.71902],
  ])('normal quantile of %d', (p, z) => expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(4.5e-4));

  test.each([
    [0.95, 1, 6.3138],
    [0.99, 1, 31.8205],
    [0.99, 2, 6.9646],
    [0.99, 3, 4.5407],
    [0.95, 5, 2.015],
    [0.99, 10, 2.7638],
    [0.99, 30, 2.4573],
  ])('t quantile of %d with %d degrees of freedom', (p, freedom, t) =>
    expect(Math.abs(studentQuantile(p, freedom) / t - 1)).toBeLessThan(0.03),
  );
});

describe('as intervals', () => {
  const count = fc
    .record({ total: fc.integer({ min: 1, max: 10_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ total, share }) => ({ total, successes: Math.round(total * share) }));

  test('the estimate lies inside, and the bounds inside the range', () =>
    fc.assert(
      fc.property(count, count, (a, b) => {
        const difference = newcombe(a, b, 2.33);
        expect(difference.lower).toBeLessThanOrEqual(difference.estimate);
        expect(difference.upper).toBeGreaterThanOrEqual(difference.estimate);
        expect(difference.lower).toBeGreaterThanOrEqual(-1);
        expect(difference.upper).toBeLessThanOrEqual(1);
      }),
    ));

  test('the difference turns its sign with its sides', () =>
    fc.assert(
      fc.property(count, count, (a, b) => {
        const [there, back] = [newcombe(a, b, 2.33), newcombe(b, a, 2.33)];
        expect(there.lower).toBeCloseTo(-back.upper, 12);
      }),
    ));

  test('a mean without spread is certain', () => {
    const flat = { count: 5, mean: 0.3, variance: 0 };
    expect(welch(flat, { ...flat, mean: 0.1 }, 0.99)).toEqual({
      estimate: 0.3 - 0.1,
      lower: 0.3 - 0.1,
      upper: 0.3 - 0.1,
    });
  });
});
