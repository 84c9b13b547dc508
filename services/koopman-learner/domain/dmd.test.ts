import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fitAmplitudes } from './amplitudes.js';
import { decompose, DecompositionError, type Decomposition, type DmdOptions } from './dmd.js';
import { modeProducts } from './mode-products.js';
import { finish, linearSeries, noise, range, windowOf, type Component } from './series.fixture.js';

type Complex = readonly [re: number, im: number];

function dmd(snapshots: readonly Float64Array[], options: Partial<DmdOptions> = {}): Decomposition {
  const steps = range(snapshots.length - 1);
  return finish(decompose(windowOf(snapshots).gram(), { rank: 50, steps, debias: true, ...options }));
}

function eigenvalues({ re, im }: Decomposition): Complex[] {
  return Array.from(re, (value, j) => [value, im[j]!]);
}

/** Largest distance from an expected value to the nearest found one. */
function farthest(found: readonly Complex[], expected: readonly Complex[]): number {
  return Math.max(
    ...expected.map(([re, im]) =>
      Math.min(...found.map((other) => Math.hypot(other[0] - re, other[1] - im))),
    ),
  );
}

function spectrumOf(components: readonly Component[]): Complex[] {
  return components.flatMap(({ modulus, angle }) => {
    const value: Complex = [modulus * Math.cos(angle), modulus * Math.sin(angle)];
    return Math.sin(angle) < 1e-12 ? [[value[0], 0] as const] : [value, [value[0], -value[1]] as const];
  });
}

const components: Component[] = [
  { modulus: 1, angle: 0.2 },
  { modulus: 0.98, angle: 0.7 },
  { modulus: 0.95, angle: 2.2 },
  { modulus: 1.01, angle: 0 },
  { modulus: 0.9, angle: Math.PI },
];

describe('exact DMD of a linear system', () => {
  test.each([true, false])('finds its eigenvalues to 1e-8 (debias %s)', (debias) => {
    const found = dmd(linearSeries(components, 30, 60), { debias });
    expect(found.effectiveRank).toBe(8);
    expect(found.re).toHaveLength(8);
    expect(farthest(eigenvalues(found), spectrumOf(components))).toBeLessThan(1e-8);
    expect(Math.max(...found.residuals)).toBeLessThan(1e-6);
  });

  test('finds them also with fewer concepts than snapshots, and with more', () => {
    for (const [dimension, length] of [
      [8, 200],
      [400, 20],
    ] as const) {
      const found = dmd(linearSeries(components, dimension, length));
      expect(farthest(eigenvalues(found), spectrumOf(components))).toBeLessThan(1e-8);
    }
  });

  test('puts the members of a conjugate pair side by side, the positive one first', () => {
    const { im, re, coefficients } = dmd(linearSeries(components, 30, 60));
    const firsts = range(im.length).filter((j) => im[j]! > 0);
    expect(firsts).toHaveLength(3);
    for (const j of firsts) {
      expect([re[j + 1], im[j + 1]]).toEqual([re[j], -im[j]!]);
      const row = (part: Float64Array, k: number) => [...part.subarray(k * 60, (k + 1) * 60)];
      expect(row(coefficients.re, j + 1)).toEqual(row(coefficients.re, j));
      expect(row(coefficients.im, j + 1).map((x) => 0 - x)).toEqual(
        row(coefficients.im, j).map((x) => 0 + x),
      );
    }
  });

  test('uses only steps that were observed: two stretches of one system make one spectrum', () => {
    const series = linearSeries(components.slice(0, 3), 30, 90);
    const snapshots = [...series.slice(0, 25), ...series.slice(60, 85)];
    const steps = range(49).filter((k) => k !== 24);
    const found = dmd(snapshots, { steps });
    expect(farthest(eigenvalues(found), spectrumOf(components.slice(0, 3)))).toBeLessThan(1e-8);
    expect(found.re).toHaveLength(6);
  });

  test('takes the strongest directions when the rank is below that of the data', () => {
    const strong = components.map((component, j) => ({ ...component, amplitude: j === 0 ? 100 : 0.01 }));
    const found = dmd(linearSeries(strong, 30, 60), { rank: 2 });
    expect(found.re).toHaveLength(2);
    expect(farthest(eigenvalues(found), spectrumOf(components.slice(0, 1)))).toBeLessThan(1e-3);
  });
});

describe('noise', () => {
  const clean = linearSeries(components.slice(0, 2), 100, 200);
  const draw = noise(9);
  const noisy = clean.map((x, t) => x.map((value, i) => value + 0.5 * draw(t * 100 + i)));

  test('biases plain DMD towards decay, total least squares far less', () => {
    const error = (debias: boolean) =>
      farthest(eigenvalues(dmd(noisy, { rank: 4, debias })), spectrumOf(components.slice(0, 2)));
    expect(error(true)).toBeLessThan(error(false) / 3);
  });

  test('does not count into the recommended rank', () => {
    expect(dmd(noisy).recommendedRank).toBe(4);
    expect(dmd(noisy).effectiveRank).toBe(199);
  });

  test('shows in the residual of a mode', () => {
    const { residuals, re, im } = dmd(noisy, { rank: 40 });
    const residualNear = (value: Complex) => {
      const nearest = range(re.length).sort(
        (a, b) =>
          Math.hypot(re[a]! - value[0], im[a]! - value[1]) - Math.hypot(re[b]! - value[0], im[b]! - value[1]),
      );
      return residuals[nearest[0]!]!;
    };
    expect(residualNear(spectrumOf(components)[0]!)).toBeLessThan(0.2);
    expect(Math.max(...residuals)).toBeGreaterThan(0.5);
  });
});

describe('PyDMD', () => {
  interface KnownAnswer {
    readonly rank: number;
    readonly snapshots: readonly (readonly number[])[];
    readonly dmd: { readonly eigenvalues: Complex[]; readonly weightedModes: Complex[][] };
    readonly totalLeastSquares: { readonly eigenvalues: Complex[] };
  }
  const path = new URL('../../../test/known-answers/pydmd/dmd.json', import.meta.url);
  const known = JSON.parse(readFileSync(path, 'utf8')) as KnownAnswer;
  const snapshots = known.snapshots.map((x) => Float64Array.from(x));

  test('agrees on the eigenvalues, plain and by total least squares', () => {
    const plain = dmd(snapshots, { rank: known.rank, debias: false });
    expect(farthest(eigenvalues(plain), known.dmd.eigenvalues)).toBeLessThan(1e-9);
    const debiased = dmd(snapshots, { rank: known.rank, debias: true });
    expect(farthest(eigenvalues(debiased), known.totalLeastSquares.eigenvalues)).toBeLessThan(1e-9);
  });

  test('agrees on every mode times its amplitude', () => {
    const window = windowOf(snapshots);
    const gram = window.gram();
    const found = dmd(snapshots, { rank: known.rank, debias: false });
    const stretch = { first: 0, length: snapshots.length };
    const { values } = fitAmplitudes(found, modeProducts(gram, found), stretch, 0);
    known.dmd.eigenvalues.forEach(([re, im], k) => {
      const j = range(found.re.length).find((p) => Math.hypot(found.re[p]! - re, found.im[p]! - im) < 1e-9)!;
      known.dmd.weightedModes[k]!.forEach(([expectedRe, expectedIm], i) => {
        let modeRe = 0;
        let modeIm = 0;
        snapshots.forEach((x, t) => {
          modeRe += found.coefficients.re[j * snapshots.length + t]! * x[i]!;
          modeIm += found.coefficients.im[j * snapshots.length + t]! * x[i]!;
        });
        expect(values.re[j]! * modeRe - values.im[j]! * modeIm).toBeCloseTo(expectedRe, 8);
        expect(values.re[j]! * modeIm + values.im[j]! * modeRe).toBeCloseTo(expectedIm, 8);
      });
    });
  });
});

describe('data without dynamics', () => {
  test.each([
    ['one snapshot', [Float64Array.of(1, 2)], 'no two consecutive snapshots'],
    ['zeros', [new Float64Array(3), new Float64Array(3), new Float64Array(3)], 'every snapshot is zero'],
    ['one spark at the end', [new Float64Array(2), Float64Array.of(1, 0)], 'has a successor is zero'],
    ['one spark at the start', [Float64Array.of(1, 0), new Float64Array(2)], 'nothing lasts'],
  ])('%s: says so', (_, snapshots, message) => {
    expect(() => dmd(snapshots)).toThrow(DecompositionError);
    expect(() => dmd(snapshots)).toThrow(message);
  });

  test('a constant series is one mode that stays', () => {
    const found = dmd(range(10).map(() => Float64Array.of(1, 2, 3)));
    expect(found.effectiveRank).toBe(1);
    expect(eigenvalues(found)[0]![0]).toBeCloseTo(1, 12);
  });

  test('whatever comes, the answer is finite or a DecompositionError', () => {
    const entry = fc.oneof(
      fc.constant(0),
      fc.constant(1),
      fc.double({ min: -1e30, max: 1e30, noNaN: true }),
      fc.double({ min: -1e-30, max: 1e-30, noNaN: true }),
    );
    const series = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10 }))
      .chain(([n, m]) =>
        fc.array(fc.array(entry, { minLength: n, maxLength: n }), { minLength: m, maxLength: m }),
      );
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rows, rank, l1) => {
          const snapshots = rows.map((row) => Float64Array.from(row));
          let found: Decomposition;
          try {
            found = dmd(snapshots, { rank });
          } catch (error) {
            expect(error).toBeInstanceOf(DecompositionError);
            return;
          }
          const stretch = { first: 0, length: snapshots.length };
          const amplitudes = fitAmplitudes(
            found,
            modeProducts(windowOf(snapshots).gram(), found),
            stretch,
            l1,
          );
          const numbers = [
            found.re,
            found.im,
            found.residuals,
            found.coefficients.re,
            amplitudes.strength,
            amplitudes.phase,
          ];
          for (const values of numbers) expect(values.every(Number.isFinite)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
