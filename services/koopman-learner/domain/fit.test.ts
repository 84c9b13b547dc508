import { describe, expect, test } from '@jest/globals';
import { fitWindow, type WindowFit } from './fit.js';
import { matchModes, psiDrift, type MatchedModes, type NamedModes } from './matching.js';
import { angularFrequency, oscillates, turn } from './modes.js';
import { predictState } from './predict.js';
import { finish, linearSeries, noise, range, windowOf, type Component } from './series.fixture.js';

const dimension = 40;
const components: Component[] = [
  { modulus: 1, angle: 0.31, amplitude: 2 },
  { modulus: 0.999, angle: 1.1, phase: 1 },
  { modulus: 1, angle: 0, amplitude: 3 },
];
const concepts = Uint32Array.from(range(dimension));

function fit(snapshots: readonly Float64Array[], sparsity = 0): WindowFit {
  return finish(fitWindow(windowOf(snapshots), { rank: 20, sparsity, bins: range(snapshots.length) }));
}

function named({ modes }: WindowFit): NamedModes {
  return { modes, concepts };
}

/** Fits two windows of one series and matches the second to the first. */
function matchWindows(series: readonly Float64Array[], shift: number, length: number): MatchedModes {
  const first = matchModes(named(fit(series.slice(0, length))), undefined, 1);
  const second = named(fit(series.slice(shift, shift + length)));
  return matchModes(second, { modes: first.modes, concepts }, first.modes.length + 1);
}

describe('modes', () => {
  test('are one for each pair, strongest first, with unit vectors and a phase reference of their own', () => {
    const { modes, spectralRadius, effectiveRank } = fit(linearSeries(components, dimension, 80));
    expect(modes.map((mode) => Number(angularFrequency(mode).toFixed(9)))).toEqual([0, 0.31, 1.1]);
    expect(effectiveRank).toBe(5);
    expect(spectralRadius).toBeCloseTo(1, 10);
    for (const { vectorRe, vectorIm } of modes) {
      const squares = vectorRe.map((re, i) => re * re + vectorIm[i]! ** 2);
      expect(squares.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
      const largest = squares.indexOf(Math.max(...squares));
      expect(vectorRe[largest]).toBeGreaterThan(0);
      expect(vectorIm[largest]).toBeCloseTo(0, 12);
    }
  });

  test('turning the vector turns the phase back', () => {
    const [, mode] = fit(linearSeries(components, dimension, 80)).modes;
    const before = predictState([mode!], dimension, 3);
    predictState([turn(mode!, 1.234)], dimension, 3).forEach((value, i) =>
      expect(value).toBeCloseTo(before[i]!, 10),
    );
  });

  test('full sparsity leaves none', () => {
    expect(fit(linearSeries(components, dimension, 80), 1)).toMatchObject({
      modes: [],
      couplings: [],
      orderParameter: 0,
    });
  });
});

describe('prediction', () => {
  test('is exact for a linear system', () => {
    const series = linearSeries(components, dimension, 120);
    const { modes } = fit(series.slice(0, 80));
    for (const ahead of [1, 7, 40]) {
      predictState(modes, dimension, ahead).forEach((value, i) =>
        expect(value).toBeCloseTo(series[79 + ahead]![i]!, 7),
      );
    }
  });

  test('says when a growing mode leaves the range of numbers', () => {
    const { modes } = fit(linearSeries([{ modulus: 1.5, angle: 0.2 }], dimension, 30));
    expect(() => predictState(modes, dimension, 1000)).toThrow('a growing mode leaves the range');
  });
});

describe('ψ-drift', () => {
  test.each([1, 5, 30])('is zero for stationary dynamics, %d steps later, and the names stay', (shift) => {
    const matched = matchWindows(linearSeries(components, dimension, 120), shift, 80);
    expect(psiDrift(matched, shift)).toBeLessThan(1e-7);
    expect(matched.modes.map((mode) => mode.id)).toEqual([1, 2, 3]);
  });

  test.each([0.4, -1.2])('is an injected jump of %d rad', (jump) => {
    const jumped = components.map((component) => ({ ...component, phase: (component.phase ?? 0) + jump }));
    const series = [
      ...linearSeries(components, dimension, 80),
      ...linearSeries(jumped, dimension, 160).slice(80),
    ];
    expect(psiDrift(matchWindows(series, 80, 80), 80)).toBeCloseTo(Math.abs(jump), 6);
  });

  test('is weighed by amplitude', () => {
    const jumped = components.map((component, j) => ({
      ...component,
      phase: (component.phase ?? 0) + (j === 0 ? 0.9 : 0),
    }));
    const series = [
      ...linearSeries(components, dimension, 80),
      ...linearSeries(jumped, dimension, 160).slice(80),
    ];
    const matched = matchWindows(series, 80, 80);
    const amplitudes = matched.modes.filter(oscillates).map((mode) => mode.amplitude);
    expect(psiDrift(matched, 80)).toBeCloseTo((0.9 * amplitudes[0]!) / (amplitudes[0]! + amplitudes[1]!), 6);
  });

  test('is undefined when no oscillating mode goes on', () => {
    const other = linearSeries([{ modulus: 1, angle: 2.5 }], dimension, 80).map((x) =>
      Float64Array.from(x).reverse(),
    );
    const first = matchModes(named(fit(linearSeries(components, dimension, 80))), undefined, 1);
    const matched = matchModes(named(fit(other)), { modes: first.modes, concepts }, 4);
    expect(matched.modes.map((mode) => mode.id)).toEqual([4]);
    expect(psiDrift(matched, 1)).toBeUndefined();
  });
});

describe('matching', () => {
  test('finds modes again when the concepts of the state have changed places', () => {
    const series = linearSeries(components, dimension, 80);
    const first = matchModes(named(fit(series)), undefined, 1);
    // The same activity under another order of concepts, two of them gone and two new and silent.
    const moved = range(dimension).map((row) => (row * 7) % dimension);
    const renamed = Uint32Array.from(moved, (row) => (row < 2 ? 100 + row : row));
    const shuffled = series.map((x) => Float64Array.from(moved, (row) => (row < 2 ? 0 : x[row]!)));
    const matched = matchModes(
      { modes: fit(shuffled).modes, concepts: renamed },
      { modes: first.modes, concepts },
      10,
    );
    expect(matched.modes.map((mode) => mode.id)).toEqual([1, 2, 3]);
  });

  test('gives new names from the next id on', () => {
    const first = matchModes(named(fit(linearSeries(components.slice(0, 1), dimension, 80))), undefined, 5);
    expect(first.modes.map((mode) => mode.id)).toEqual([5]);
    const second = matchModes(
      named(fit(linearSeries(components, dimension, 80))),
      { modes: first.modes, concepts },
      6,
    );
    expect(second.modes.map((mode) => mode.id).sort()).toEqual([5, 6, 7]);
    expect(second.modes.find((mode) => mode.id === 5)).toMatchObject({
      im: expect.closeTo(Math.sin(0.31), 6),
    });
  });
});

test('noise does not make anything but finite numbers', () => {
  const draw = noise(5);
  const snapshots = range(60).map((t) => Float64Array.from(range(30), (i) => Math.max(0, draw(t * 30 + i))));
  const { modes, couplings } = fit(snapshots);
  expect(modes.length).toBeGreaterThan(5);
  for (const mode of modes) {
    for (const value of [mode.re, mode.im, mode.amplitude, mode.phase, mode.residual])
      expect(value).not.toBeNaN();
  }
  for (const { strength } of couplings) expect(Number.isFinite(strength)).toBe(true);
});
