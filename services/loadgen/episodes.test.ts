import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { differenceOf, syntheticEpisode, type Workload } from './episodes.js';

const workload: Workload = { seed: 7, concepts: 200, startMs: 1_000, intervalMs: 200 };

describe('syntheticEpisode', () => {
  test('property: depends on the workload and its index alone, and has as many concepts as asked', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), fc.nat(100_000), (seed, concepts, k) => {
        const one = syntheticEpisode({ ...workload, seed, concepts }, k);
        expect(one).toEqual(syntheticEpisode({ ...workload, seed, concepts }, k));
        expect(Object.keys(one.concepts)).toHaveLength(concepts);
        expect(Object.values(one.concepts).every((activation) => activation > 0 && activation <= 1)).toBe(
          true,
        );
        expect(one.time).toBe(1_000 + 200 * k);
      }),
    );
  });

  test('differs from one index to the next, with concepts that come again', () => {
    const episodes = Array.from({ length: 200 }, (_, k) => syntheticEpisode(workload, k));
    expect(new Set(episodes.map(({ id }) => id)).size).toBe(200);
    const names = episodes.flatMap(({ concepts }) => Object.keys(concepts));
    expect(new Set(names).size).toBeLessThan(names.length / 2);
  });
});

describe('differenceOf', () => {
  const written = syntheticEpisode(workload, 3);

  test('finds none in what came back in another order, as 32-bit floats', () => {
    const concepts = Object.fromEntries(
      Object.entries(written.concepts)
        .map(([name, value]) => [name, Math.fround(value)] as const)
        .reverse(),
    );
    expect(differenceOf(written, { ...written, concepts })).toBeUndefined();
  });

  test.each([
    [
      'a lost concept',
      { concepts: Object.fromEntries(Object.entries(written.concepts).slice(1)) },
      'other concepts',
    ],
    [
      'another activation',
      { concepts: { ...written.concepts, [Object.keys(written.concepts)[0]!]: 2 } },
      'other concepts',
    ],
    ['another time', { time: 5 }, 'time 5 in place of 1600'],
    ['another source', { source: 'x' }, 'source "x" in place of "loadgen"'],
    ['a lost label', { meta: {} }, 'other labels'],
  ])('finds %s', (_what, change, expected) => {
    expect(differenceOf(written, { ...written, ...change })).toBe(expected);
  });
});
