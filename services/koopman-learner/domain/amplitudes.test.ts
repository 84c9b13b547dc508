import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fitAmplitudes, sparseAmplitudes } from './amplitudes.js';
import { complexMatrix, solveHermitian, wrapAngle, type ComplexMatrix } from './complex.js';
import { decompose } from './dmd.js';
import { modeProducts } from './mode-products.js';
import { finish, linearSeries, noise, range, windowOf } from './series.fixture.js';

/** A Hermitian matrix BᴴB and a right-hand side from drawn numbers. */
function problem(rank: number, rows: number, seed: number): { p: ComplexMatrix; q: ComplexMatrix } {
  const draw = noise(seed);
  const p = complexMatrix(rank, rank);
  const q = complexMatrix(rank, 1);
  const b = (row: number, j: number, part: number) => draw((row * rank + j) * 2 + part);
  for (let i = 0; i < rank; i++) {
    q.re[i] = draw(9000 + i);
    q.im[i] = draw(9100 + i);
    for (let j = 0; j < rank; j++) {
      for (let row = 0; row < rows; row++) {
        p.re[i * rank + j]! += b(row, i, 0) * b(row, j, 0) + b(row, i, 1) * b(row, j, 1);
        p.im[i * rank + j]! += b(row, i, 0) * b(row, j, 1) - b(row, i, 1) * b(row, j, 0);
      }
    }
  }
  return { p, q };
}

/** q − P b. */
function gradient(p: ComplexMatrix, q: ComplexMatrix, b: ComplexMatrix) {
  return range(q.rows).map((i) => {
    let re = q.re[i]!;
    let im = q.im[i]!;
    for (let j = 0; j < q.rows; j++) {
      const k = i * q.rows + j;
      re -= p.re[k]! * b.re[j]! - p.im[k]! * b.im[j]!;
      im -= p.re[k]! * b.im[j]! + p.im[k]! * b.re[j]!;
    }
    return { re, im };
  });
}

describe('solveHermitian', () => {
  test('solves', () => {
    const { p, q } = problem(9, 20, 1);
    for (const { re, im } of gradient(p, q, solveHermitian(p, q)))
      expect(Math.hypot(re, im)).toBeLessThan(1e-12);
  });

  test('stays finite and small for a singular matrix, and 0 for a row of zeros', () => {
    const ones = { rows: 2, columns: 2, re: Float64Array.of(1, 1, 1, 1), im: new Float64Array(4) };
    const right = { rows: 2, columns: 1, re: Float64Array.of(1, 1), im: new Float64Array(2) };
    const { re } = solveHermitian(ones, right);
    expect(re[0]! + re[1]!).toBeCloseTo(1, 9);
    expect(Math.abs(re[0]!)).toBeLessThan(2);
    const zero = { rows: 1, columns: 1, re: new Float64Array(1), im: new Float64Array(1) };
    expect(solveHermitian(zero, { ...right, rows: 1, re: Float64Array.of(5) }).re[0]).toBe(0);
  });
});

describe('sparse amplitudes', () => {
  test('satisfy the optimality conditions of the L1 problem', () => {
    const seeds = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (seed, rank, l1) => {
          const { p, q } = problem(rank, rank + 4, seed);
          const b = sparseAmplitudes(p, q, l1);
          const threshold = l1 * Math.max(...range(rank).map((j) => Math.hypot(q.re[j]!, q.im[j]!)));
          gradient(p, q, b).forEach(({ re, im }, j) => {
            const size = Math.hypot(b.re[j]!, b.im[j]!);
            // The gradient is (γ/2) b/|b| where b is not 0 and at most γ/2 long where it is.
            if (size === 0) expect(Math.hypot(re, im)).toBeLessThanOrEqual(threshold * (1 + 1e-6));
            else
              expect(
                Math.hypot(re - (threshold * b.re[j]!) / size, im - (threshold * b.im[j]!) / size),
              ).toBeLessThan(1e-6 * (1 + threshold));
          });
        },
      ),
    );
  });

  test('are none at full strength and the strongest one just below', () => {
    const { p, q } = problem(6, 12, 4);
    const nonZero = (l1: number) => sparseAmplitudes(p, q, l1).re.filter((re) => re !== 0).length;
    expect(nonZero(1)).toBe(0);
    expect(nonZero(0.999)).toBe(1);
  });

  test('of modes keep conjugate pairs together and are those of least squares on what is kept', () => {
    const series = linearSeries(
      [
        { modulus: 1, angle: 0.3, amplitude: 5 },
        { modulus: 0.99, angle: 1.4, amplitude: 0.2 },
        { modulus: 0.98, angle: 0, amplitude: 3 },
      ],
      20,
      50,
    );
    const gram = windowOf(series).gram();
    const found = finish(decompose(gram, { rank: 9, steps: range(49), debias: true }));
    const { strength } = fitAmplitudes(found, modeProducts(gram, found), { first: 0, length: 50 }, 0.1);
    const kept = range(5).filter((j) => strength[j]! > 0);
    expect(kept.map((j) => Math.abs(Math.atan2(found.im[j]!, found.re[j]!)).toFixed(3)).sort()).toEqual([
      '0.000',
      '0.300',
      '0.300',
    ]);
  });
});

describe('amplitudes of a linear system', () => {
  test.each([0.9, 1, 1.2])('rebuild the last snapshot, at modulus %d', (modulus) => {
    const series = linearSeries([{ modulus, angle: 0.5, phase: 0.4 }], 6, 40);
    const window = windowOf(series);
    const gram = window.gram();
    const found = finish(decompose(gram, { rank: 4, steps: range(39), debias: true }));
    const { magnitude, phase } = fitAmplitudes(found, modeProducts(gram, found), { first: 0, length: 40 }, 0);
    const last = window.snapshot(39);
    range(6).forEach((i) => {
      const rebuilt = range(found.re.length).reduce((sum, j) => {
        let re = 0;
        let im = 0;
        series.forEach((x, k) => {
          re += found.coefficients.re[j * 40 + k]! * x[i]!;
          im += found.coefficients.im[j * 40 + k]! * x[i]!;
        });
        return sum + magnitude[j]! * (re * Math.cos(phase[j]!) - im * Math.sin(phase[j]!));
      }, 0);
      expect(rebuilt / modulus ** 39).toBeCloseTo(last[i]! / modulus ** 39, 8);
    });
  });
});

test('wrapAngle gives the angle in (−π, π]', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e4, max: 1e4, noNaN: true }), (angle) => {
      const wrapped = wrapAngle(angle);
      expect(wrapped).toBeGreaterThan(-Math.PI);
      expect(wrapped).toBeLessThanOrEqual(Math.PI);
      expect(Math.cos(wrapped)).toBeCloseTo(Math.cos(angle), 9);
      expect(Math.sin(wrapped)).toBeCloseTo(Math.sin(angle), 9);
    }),
  );
});
