import { describe, expect, test } from '@jest/globals';
import { Matrix, inverse } from 'ml-matrix';
import { seededRandom } from '../../services/common/network/random.js';
import { Bm25 } from './bm25.js';
import { measureCompletion, tearMessages } from './completion.js';
import { Ease } from './ease.js';
import { incidenceOf } from './incidence.js';
import { itemKnn } from './item-knn.js';
import { cuesOf, measureRecall } from './recall.js';
import { invertSpd } from './spd-inverse.js';
import { TfIdf } from './tf-idf.js';

/** Four rows over six items. */
const rows = [
  [0, 1, 2],
  [1, 2, 3],
  [0, 4, 5],
  [3, 4],
];
const data = incidenceOf(rows, 6);

test('an incidence lists the rows of each item', () => {
  expect(data.columns.map((column) => [...column])).toEqual([[0, 2], [0, 1], [0, 1], [1, 3], [2, 3], [2]]);
});

describe('invertSpd', () => {
  test.each([1, 5, 47, 48, 50, 101, 146])('inverts a matrix of order %i', (n) => {
    const random = seededRandom(n);
    const factor = new Matrix(Array.from({ length: n }, () => Array.from({ length: n }, random)));
    const matrix = factor.mmul(factor.transpose()).add(Matrix.eye(n));
    const array = Float64Array.from(matrix.to1DArray());
    invertSpd(array, n);
    const product = matrix.mmul(Matrix.from1DArray(n, n, Array.from(array)));
    expect(product.sub(Matrix.eye(n)).norm('frobenius')).toBeLessThan(1e-8);
  });

  test('refuses a matrix that is not positive definite', () => {
    expect(() => invertSpd(Float64Array.of(1, 2, 2, 1), 2)).toThrow(
      /not positive definite \(pivot 1 is -3\)/,
    );
  });
});

describe('Ease', () => {
  const lambda = 0.5;
  const ease = new Ease(data, lambda);

  test('agrees with the primal closed form', () => {
    const x = Matrix.zeros(rows.length, 6);
    rows.forEach((items, row) => items.forEach((item) => x.set(row, item, 1)));
    const p = inverse(x.transpose().mmul(x).add(Matrix.eye(6).mul(lambda)));
    for (let i = 0; i < 6; i++) {
      const row = ease.row(i);
      for (let j = 0; j < 6; j++) expect(row[j]).toBeCloseTo(i === j ? 0 : -p.get(i, j) / p.get(j, j), 6);
    }
  });

  test('pruning keeps the largest weights', () => {
    const { score, edges } = ease.prune(0.25);
    const dense = Array.from({ length: 6 }, (_, item) => ease.row(item));
    const kept = Array.from({ length: 6 }, (_, item) => score(Uint32Array.of(item)) as Float64Array);
    const weights = dense.flatMap((row, i) => [...row].map((weight, j) => ({ weight, kept: kept[i]![j]! })));
    const least = Math.min(
      ...weights.filter((edge) => edge.kept !== 0).map(({ weight }) => Math.abs(weight)),
    );
    const most = Math.max(...weights.filter((edge) => edge.kept === 0).map(({ weight }) => Math.abs(weight)));
    // A quarter of the 30 weights, and those of equal magnitude.
    expect(edges).toBeGreaterThanOrEqual(8);
    expect(edges).toBeLessThanOrEqual(10);
    expect(least).toBeGreaterThanOrEqual(most);
  });
});

describe('itemKnn', () => {
  test('sums cosines of co-occurrence', () => {
    const { score, edges } = itemKnn(data, Infinity);
    // Item 1 and 2 occur in the same two rows; item 0 in one of them, and twice in all.
    const expected = [0.5, 0, 1, 0.5, 0, 0];
    [...(score(Uint32Array.of(1)) as Float64Array)].forEach((value, item) =>
      expect(value).toBeCloseTo(expected[item]!, 6),
    );
    expect((score(Uint32Array.of(0, 1)) as Float64Array)[2]).toBeCloseTo(1.5, 6);
    expect(edges).toBe(18);
  });

  test('lets an item vote for its nearest alone', () => {
    const { score, edges } = itemKnn(data, 1);
    expect([...(score(Uint32Array.of(1)) as Float64Array)]).toEqual([0, 0, 1, 0, 0, 0]);
    expect(edges).toBe(6);
  });
});

describe('rankings of documents', () => {
  const documents = [
    new Map([
      ['tea', 3],
      ['cup', 1],
    ]),
    new Map([
      ['tea', 1],
      ['cup', 1],
      ['rain', 2],
    ]),
    new Map([['rain', 1]]),
  ];

  test('TF-IDF orders by cosine', () => {
    const idf = Math.log(3 / 2);
    // One idf for all three terms, so that cosines depend on (1 + ln tf) alone.
    const tea = [(1 + Math.log(3)) * idf, idf];
    const norms = [Math.hypot(tea[0]!, idf), Math.hypot(idf, idf, (1 + Math.log(2)) * idf)];
    expect(tea[0]! / norms[0]!).toBeGreaterThan(tea[1]! / norms[1]!);
    const tfIdf = new TfIdf(documents);
    expect(tfIdf.rank(['tea'], 10)).toEqual([0, 1]);
    expect(tfIdf.rank(['rain'], 10)).toEqual([2, 1]);
    expect(tfIdf.rank(['snow'], 10)).toEqual([]);
    expect(tfIdf.rank(['tea', 'rain'], 1)).toEqual([1]);
  });

  test('BM25 takes terms as they are', () => {
    const bm25 = new Bm25([new Map([['Two words', 2]]), new Map([['two', 1]]), new Map([['words', 1]])]);
    expect(bm25.rank(['Two words'], 10)).toEqual([0]);
    expect(bm25.rank(['two', 'words'], 1)).toHaveLength(1);
  });
});

describe('measuring', () => {
  const message = (id: string, ...names: string[]) => ({
    id,
    time: 0,
    concepts: new Map(names.map((name) => [name, 1])),
  });
  const itemOf = new Map(['a', 'b', 'c', 'd'].map((name, item) => [name, item]));

  test('tears a message into halves of its known concepts', () => {
    const messages = [message('1', 'a', 'x', 'b', 'c'), message('2', 'a', 'x')];
    const tears = tearMessages(messages, itemOf, seededRandom(1));
    expect(tears).toHaveLength(1);
    const [{ cue, hidden }] = tears as [(typeof tears)[0]];
    expect(cue).toHaveLength(2);
    expect([...cue, ...hidden].sort()).toEqual([0, 1, 2]);
  });

  test('a perfect completion has NDCG 1, and the cue itself does not count', async () => {
    const tears = [{ cue: Uint32Array.of(0), hidden: new Set([2]) }];
    expect((await measureCompletion(() => Float64Array.of(9, 0, 1, 0), tears)).ndcg).toBe(1);
    const second = await measureCompletion(() => Float64Array.of(9, 2, 1, 0), tears);
    expect(second.ndcg).toBeCloseTo(1 / Math.log2(3), 12);
    expect((await measureCompletion(() => new Float64Array(4).fill(-Infinity), tears)).ndcg).toBe(0);
  });

  test('counts first places and the first ten', async () => {
    const cues = cuesOf([message('1', 'a', 'b'), message('2', 'c')], (count) => count, seededRandom(1));
    expect(cues.map(({ concepts }) => [...concepts].sort())).toEqual([['a', 'b'], ['c']]);
    const others = Array.from({ length: 10 }, (_, k) => `other-${k}`);
    expect(await measureRecall(() => ['1', '2'], cues)).toEqual({ at1: 0.5, at10: 1 });
    expect(await measureRecall(() => [...others, '1', '2'], cues)).toEqual({ at1: 0, at10: 0 });
  });
});
