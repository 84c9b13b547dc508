import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { seededRandom } from '../../common/network/random.js';
import { invertSpd } from './spd-inverse.js';

describe('invertSpd', () => {
  test('property: the product with the matrix is the identity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (n, seed) => {
        const random = seededRandom(seed);
        const factor = new Matrix(
          Array.from({ length: n }, () => Array.from({ length: n }, () => random() - 0.5)),
        );
        const matrix = factor.mmul(factor.transpose()).add(Matrix.eye(n).mul(0.1));
        const values = Float64Array.from(matrix.to1DArray());
        invertSpd(values, n);
        const product = matrix.mmul(Matrix.from1DArray(n, n, Array.from(values)));
        expect(product.sub(Matrix.eye(n)).abs().max()).toBeLessThan(1e-9);
      }),
    );
  });

  test('refuses a matrix that is not positive definite', () => {
    expect(() => invertSpd(Float64Array.of(1, 2, 2, 1), 2)).toThrow('not positive definite');
  });
});
