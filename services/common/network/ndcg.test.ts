import { expect, test } from '@jest/globals';
import { ndcgAt } from './ndcg.js';

test.each([
  [['a', 'b', 'x'], ['a', 'b'], 1],
  [['x', 'y'], ['a'], 0],
  [['x', 'a'], ['a'], 1 / Math.log2(3)],
  [['a', 'x', 'b'], ['a', 'b'], (1 + 1 / Math.log2(4)) / (1 + 1 / Math.log2(3))],
  [[], ['a'], 0],
  [['a'], [], 0],
])('of ranking %j with relevant %j is %f', (ranked, relevant, expected) => {
  expect(ndcgAt(20, ranked, new Set(relevant))).toBeCloseTo(expected, 12);
});

test('only the first k count', () => {
  expect(ndcgAt(1, ['x', 'a'], new Set(['a']))).toBe(0);
});
