import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dot } from './dot.js';
import { noise } from './series.fixture.js';
import { symmetricEigen } from './symmetric-eigen.js';

function symmetric(n: number, entry: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => {
    const i = Math.floor(k / n);
    const j = k % n;
    return entry(Math.max(i, j), Math.min(i, j));
  });
}

/** Below this a double has fewer digits the smaller it is. */
const smallestNormal = 2 ** -1022;

/** Largest |A v − λ v| and |vᵀw − δ| over the vectors found, relative to the largest entry that can have all its digits. */
function defect(matrix: Float64Array, n: number, count = n): number {
  const { values, vectors } = symmetricEigen(matrix, n, count);
  const scale = matrix.reduce((largest, entry) => Math.max(largest, Math.abs(entry)), smallestNormal);
  const row = (k: number) => vectors.subarray(k * n, (k + 1) * n);
  let worst = 0;
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < n; i++) {
      const image = dot(matrix.subarray(i * n, (i + 1) * n), row(k));
      worst = Math.max(worst, Math.abs(image - values[k]! * row(k)[i]!) / scale);
    }
    for (let l = 0; l <= k; l++) worst = Math.max(worst, Math.abs(dot(row(k), row(l)) - (k === l ? 1 : 0)));
  }
  return worst;
}

describe('symmetricEigen', () => {
  test('finds the eigenvalues of the discrete Laplacian, 4 sin²(kπ / 2(n+1))', () => {
    const n = 64;
    const laplacian = symmetric(n, (i, j) => (i === j ? 2 : i === j + 1 ? -1 : 0));
    const { values } = symmetricEigen(laplacian, n);
    values.forEach((value, k) =>
      expect(value).toBeCloseTo(4 * Math.sin(((n - k) * Math.PI) / (2 * (n + 1))) ** 2, 12),
    );
  });

  test('gives orthonormal eigenvectors in descending order, all or only the first', () => {
    const draw = noise(3);
    const matrix = symmetric(90, (i, j) => draw(i * 90 + j));
    expect(defect(matrix, 90)).toBeLessThan(1e-12);
    expect(defect(matrix, 90, 7)).toBeLessThan(1e-12);
    const { values, vectors } = symmetricEigen(matrix, 90, 7);
    expect(vectors).toHaveLength(7 * 90);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  test('keeps vectors orthogonal where all eigenvalues are equal', () => {
    expect(
      defect(
        symmetric(20, (i, j) => (i === j ? 3 : 0)),
        20,
      ),
    ).toBeLessThan(1e-14);
    expect(
      defect(
        symmetric(20, () => 1),
        20,
      ),
    ).toBeLessThan(1e-13);
  });

  test('holds for matrices of any scale and shape', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 78, maxLength: 78 }),
        (n, entries) => {
          const matrix = symmetric(n, (i, j) => entries[(i * (i + 1)) / 2 + j]! / 4);
          expect(defect(matrix, n)).toBeLessThan(1e-9);
        },
      ),
    );
  });

  test.each([
    {
      n: 7,
      entries: { 1: 7e305, 6: 5e273, 9: -5e307, 11: -2e223, 14: 6e301, 22: 2e119 },
    },
    { n: 9, entries: { 1: 2e306, 36: -3e225 } },
    { n: 4, entries: { 1: 1, 3: 1e-154, 6: 1e-170, 7: 5e-324 } },
  ])('keeps vectors orthonormal where entries span hundreds of decades (n = $n)', ({ n, entries }) => {
    const packed = new Map(Object.entries(entries).map(([place, entry]) => [Number(place), entry]));
    const matrix = symmetric(n, (i, j) => (packed.get((i * (i + 1)) / 2 + j) ?? 0) / 4);
    expect(defect(matrix, n)).toBeLessThan(1e-9);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (entry) => {
    expect(() => symmetricEigen(Float64Array.of(1, 0, 0, entry), 2)).toThrow('not a finite number');
  });
});
