import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { filterEdges, pairsSeenTogether, supportOf, unionEdges, type Edges } from './edges.js';

const nodes = 12;
const episodes = fc
  .array(fc.uniqueArray(fc.nat(nodes - 1), { maxLength: 8 }), { maxLength: 20 })
  .map((lists) => lists.map((list) => Uint32Array.from(list).sort()));

const listOf = ({ a, b, value }: Edges) => Array.from(a, (_, k) => [a[k], b[k], value[k]]);

/** Pairs of the episodes with their counts, in order, found by looking at every pair. */
function pairsOf(lists: readonly Uint32Array[]): number[][] {
  const pairs: number[][] = [];
  for (let a = 0; a < nodes; a++) {
    for (let b = a + 1; b < nodes; b++) {
      const together = lists.filter((list) => list.includes(a) && list.includes(b)).length;
      if (together > 0) pairs.push([a, b, together]);
    }
  }
  return pairs;
}

describe('edges', () => {
  test('property: pairs seen together equal a count over all pairs', () => {
    fc.assert(
      fc.property(episodes, fc.integer({ min: 1, max: 3 }), (lists, fewest) => {
        const expected = pairsOf(lists).filter(([, , together]) => together! >= fewest);
        expect(listOf(pairsSeenTogether(lists, nodes, fewest))).toEqual(expected);
      }),
    );
  });

  test('property: support is the count of each edge, 0 for pairs that no episode holds', () => {
    fc.assert(
      fc.property(episodes, episodes, (lists, others) => {
        const edges = pairsSeenTogether(others, nodes, 1);
        const counts = new Map(pairsOf(lists).map(([a, b, together]) => [`${a}-${b}`, together]));
        const expected = listOf(edges).map(([a, b]) => counts.get(`${a}-${b}`) ?? 0);
        expect([...supportOf(edges, lists, nodes)]).toEqual(expected);
      }),
    );
  });

  test('property: a union holds every edge once and in order, with the value of the first', () => {
    fc.assert(
      fc.property(episodes, episodes, (left, right) => {
        const first = pairsSeenTogether(left, nodes, 1);
        const second = pairsSeenTogether(right, nodes, 1);
        const expected = new Map(listOf(second).map(([a, b]) => [nodes * a! + b!, [a, b, -1]]));
        for (const [a, b, value] of listOf(first)) expected.set(nodes * a! + b!, [a, b, value]);
        const inOrder = [...expected].sort(([x], [y]) => x - y).map(([, edge]) => edge);
        expect(listOf(unionEdges(first, second, -1))).toEqual(inOrder);
      }),
    );
  });

  test('a filter keeps what passes', () => {
    const edges = pairsSeenTogether([Uint32Array.of(0, 1, 2)], nodes, 1);
    expect(listOf(filterEdges(edges, (edge) => edge !== 1))).toEqual([
      [0, 1, 1],
      [1, 2, 1],
    ]);
  });
});
