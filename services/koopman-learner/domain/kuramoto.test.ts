import { describe, expect, test } from '@jest/globals';
import { orderParameter, regressCouplings } from './kuramoto.js';
import { noise, range } from './series.fixture.js';

/** Integrates dθᵢ/dt = ωᵢ + Σⱼ Kᵢⱼ sin(θⱼ − θᵢ) by Runge-Kutta; phases wrapped to (−π, π], one row per oscillator. */
function simulate(
  omega: readonly number[],
  k: readonly (readonly number[])[],
  steps: number,
): Float64Array[] {
  const fine = 20;
  const h = 1 / fine;
  const velocity = (theta: readonly number[]) =>
    theta.map(
      (own, i) => omega[i]! + theta.reduce((sum, other, j) => sum + k[i]![j]! * Math.sin(other - own), 0),
    );
  const along = (theta: readonly number[], v: readonly number[], scale: number) =>
    theta.map((value, i) => value + scale * v[i]!);
  let theta = omega.map((_, i) => i * 1.7);
  const phases = omega.map(() => new Float64Array(steps));
  for (let t = 0; t < steps; t++) {
    theta.forEach((value, i) => (phases[i]![t] = Math.atan2(Math.sin(value), Math.cos(value))));
    for (let s = 0; s < fine; s++) {
      const a = velocity(theta);
      const b = velocity(along(theta, a, h / 2));
      const c = velocity(along(theta, b, h / 2));
      const d = velocity(along(theta, c, h));
      theta = theta.map((value, i) => value + (h / 6) * (a[i]! + 2 * b[i]! + 2 * c[i]! + d[i]!));
    }
  }
  return phases;
}

const omega = [0.11, 0.29, 0.47, 0.2];
const coupling = [
  [0, 0.03, 0, 0],
  [0.02, 0, -0.04, 0],
  [0, 0, 0, 0.05],
  [0.015, 0, 0, 0],
];
const steps = range(599);

describe('couplings', () => {
  const phases = simulate(omega, coupling, 600);

  test('of a simulated Kuramoto system are recovered, direction and sign included', () => {
    const found = regressCouplings({ phases, frequencies: omega, steps });
    const matrix = omega.map((_, to) =>
      omega.map((_, from) => found.find((one) => one.to === to && one.from === from)?.strength ?? 0),
    );
    matrix.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(coupling[i]![j]!, 4)));
  });

  test('are recovered through gaps in the record', () => {
    const gapped = steps.filter((k) => k % 100 !== 50);
    for (const { to, from, strength } of regressCouplings({ phases, frequencies: omega, steps: gapped })) {
      expect(strength).toBeCloseTo(coupling[to]![from]!, 4);
    }
  });

  test('under phase noise come close, and absent ones mostly stay out', () => {
    const noisy = phases.map((series, i) => {
      const draw = noise(i + 1);
      return series.map((phase, t) => phase + 0.01 * draw(t));
    });
    const found = regressCouplings({ phases: noisy, frequencies: omega, steps });
    for (const { to, from, strength } of found)
      expect(Math.abs(strength - coupling[to]![from]!)).toBeLessThan(0.01);
    expect(found.length).toBeLessThanOrEqual(8);
    expect(found.length).toBeGreaterThanOrEqual(5);
  });

  test('are none between free oscillators, too few rows, or phases that are missing', () => {
    const free = simulate(
      omega,
      omega.map(() => omega.map(() => 0)),
      600,
    );
    for (const { strength } of regressCouplings({ phases: free, frequencies: omega, steps })) {
      expect(Math.abs(strength)).toBeLessThan(1e-6);
    }
    expect(regressCouplings({ phases, frequencies: omega, steps: range(8) })).toEqual([]);
    const missing = phases.map((series) => series.map(() => Number.NaN));
    expect(regressCouplings({ phases: missing, frequencies: omega, steps })).toEqual([]);
  });

  test('of oscillators in lockstep, which the data do not determine, stay finite', () => {
    const same = [phases[0]!, phases[0]!, phases[0]!];
    const found = regressCouplings({ phases: same, frequencies: [0.11, 0.11, 0.11], steps });
    for (const { strength } of found) expect(Number.isFinite(strength)).toBe(true);
  });
});

test('the order parameter is 1 in lockstep, 0 when phases cancel, and 0 without phases', () => {
  expect(orderParameter([0.3, 0.3, 0.3])).toBeCloseTo(1, 12);
  expect(orderParameter([0, Math.PI])).toBeCloseTo(0, 12);
  expect(orderParameter([0.5, Number.NaN])).toBeCloseTo(1, 12);
  expect(orderParameter([])).toBe(0);
});
