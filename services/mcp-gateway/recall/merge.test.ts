import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cosine, mergeCompletions, mergeRankings, type RankedHit } from './merge.js';

const hit = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  score: fc.double({ min: 0, max: 50, noNaN: true }),
  similarity: fc.double({ min: 0, max: 1, noNaN: true }),
});
const ranking = fc.uniqueArray(hit, { selector: ({ id }) => id, maxLength: 6 });

describe('mergeRankings', () => {
  test('lists every id once, up to the limit', () => {
    fc.assert(
      fc.property(fc.array(ranking, { maxLength: 3 }), fc.integer({ min: 1, max: 10 }), (lists, limit) => {
        const merged = mergeRankings(lists, limit);
        const ids = new Set(lists.flat().map(({ id }) => id));
        expect(merged.length).toBe(Math.min(limit, ids.size));
        expect(new Set(merged.map(({ id }) => id)).size).toBe(merged.length);
      }),
    );
  });

  test('keeps the order of each list', () => {
    fc.assert(
      fc.property(ranking, ranking, (one: RankedHit[], other) => {
        const disjoint = other.map((each) => ({ ...each, id: `other-${each.id}` }));
        const merged = mergeRankings([one, disjoint], 12);
        expect(merged.filter((each) => one.includes(each))).toEqual(one);
        expect(merged.filter((each) => disjoint.includes(each))).toEqual(disjoint);
      }),
    );
  });

  test('does not believe scores of different corpora', () => {
    const large = [{ id: 'large-corpus', score: 40, similarity: 0.1 }];
    const small = [{ id: 'exact', score: 0.3, similarity: 1 }];
    expect(mergeRankings([large, small], 2).map(({ id }) => id)).toEqual(['exact', 'large-corpus']);
  });
});

describe('mergeCompletions', () => {
  test('one track is answered as it is', () => {
    const completed = [
      { concept: 'a', score: 2 },
      { concept: 'b', score: -1 },
    ];
    expect(mergeCompletions([{ share: 1, completed }], 10)).toEqual(completed);
    expect(mergeCompletions([{ share: 1, completed }], 1)).toEqual(completed.slice(0, 1));
  });

  test('tracks count by their share, and a missing concept as the end of the list', () => {
    const stable = {
      share: 0.75,
      completed: [
        { concept: 'a', score: 4 },
        { concept: 'b', score: 0 },
      ],
    };
    const canary = {
      share: 0.25,
      completed: [
        { concept: 'b', score: 8 },
        { concept: 'c', score: 4 },
      ],
    };
    expect(mergeCompletions([stable, canary], 10)).toEqual([
      { concept: 'a', score: 4 },
      { concept: 'b', score: 2 },
      { concept: 'c', score: 1 },
    ]);
  });

  test('a drained track and one that knows nothing have no say', () => {
    const stable = { share: 1, completed: [{ concept: 'a', score: 1 }] };
    expect(mergeCompletions([stable, { share: 0, completed: [{ concept: 'z', score: 99 }] }], 5)).toEqual(
      stable.completed,
    );
    expect(
      mergeCompletions(
        [
          { ...stable, share: 0.5 },
          { share: 0.5, completed: [] },
        ],
        5,
      ),
    ).toEqual(stable.completed);
  });
});

test('cosine is 1 for the same direction and 0 for nothing in common', () => {
  const cue = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  expect(
    cosine(
      cue,
      new Map([
        ['a', 2],
        ['b', 4],
      ]),
    ),
  ).toBeCloseTo(1, 12);
  expect(cosine(cue, new Map([['c', 1]]))).toBe(0);
});
