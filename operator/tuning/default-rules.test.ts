import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { profileOf } from '../../test/tuning/profile.js';
import { Scenario, type Night } from '../../test/tuning/scenario.js';
import type { TunableParameter } from '../api/tuning-status.js';

/** Nothing in it lets a default rule act. */
const quiet: Night = { drop: 0.3, loops: 20, edges: 1000, drift: 0.15, effectiveRank: 60 };

interface Case {
  readonly what: string;
  readonly night: Night;
  readonly cycles: number;
  readonly parameter: TunableParameter;
  readonly value: number;
}

const fires: readonly Case[] = [
  {
    what: 'energy drop below 5 % raises T0',
    night: { ...quiet, drop: 0.04 },
    cycles: 5,
    parameter: 'annealT0',
    value: 2.5,
  },
  {
    what: 'settle loops above 50 lower T0',
    night: { ...quiet, loops: 60 },
    cycles: 5,
    parameter: 'annealT0',
    value: 1.6,
  },
  {
    what: 'the loops rule wins when both hold',
    night: { ...quiet, drop: 0.04, loops: 60 },
    cycles: 5,
    parameter: 'annealT0',
    value: 1.6,
  },
  {
    what: 'oscillating energy halves eta',
    night: { ...quiet, turned: true },
    cycles: 6,
    parameter: 'learningRate',
    value: 0.005,
  },
  { what: 'ten calm cycles raise eta', night: quiet, cycles: 11, parameter: 'learningRate', value: 0.011 },
  {
    what: 'psi drift above 0.2 rad raises r',
    night: { ...quiet, drift: 0.25 },
    cycles: 3,
    parameter: 'dmdRank',
    value: 75,
  },
];

describe('default rules', () => {
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await Scenario.open(profileOf({}));
  });
  afterEach(() => scenario.close());

  test.each(fires)('$what', async ({ night, cycles, parameter, value }) => {
    const before = scenario.value(parameter);
    await scenario.nights(cycles - 1, '10m', night);
    await scenario.evaluate();
    expect(scenario.value(parameter)).toBe(before);
    await scenario.night('10m', night);
    const { adjustments, status } = await scenario.evaluate();
    expect(scenario.value(parameter)).toBeCloseTo(value, 12);
    expect(adjustments).toMatchObject([{ parameter, before, after: value, outcome: 'OnTrial' }]);
    expect(status.parameters[parameter].state.phase).toBe('OnTrial');
  });

  test('many scrapes of one cycle count once', async () => {
    await scenario.night('1m', { ...quiet, drop: 0.01, scrapes: 50 });
    const { status } = await scenario.evaluate();
    expect(status.rules['energy-drop-low']).toMatchObject({
      state: 'NoData',
      reason: '1 of 5 sleep cycles in the window',
    });
  });

  test('graph growth above 5 % a week raises tau by half, once a week', async () => {
    let edges = 10_000;
    const values: number[] = [];
    for (let day = 1; day <= 12; day++) {
      await scenario.nights(4, '6h', { ...quiet, edges: (edges *= 1.03) });
      await scenario.watch('70m');
      values.push(scenario.value('l1Strength'));
    }
    expect(values.slice(0, 3)).toEqual([0.001, 0.001, 0.001]);
    expect(new Set(values)).toEqual(new Set([0.001, 0.0015]));
    expect(scenario.status?.adjustments.filter(({ parameter }) => parameter === 'l1Strength')).toHaveLength(
      1,
    );
  });

  test('a graph that shrinks by more than 5 % a week lowers tau', async () => {
    let edges = 10_000;
    for (let day = 1; day <= 5; day++) {
      await scenario.nights(4, '6h', { ...quiet, edges: (edges *= 0.97) });
      await scenario.watch('70m');
    }
    expect(scenario.value('l1Strength')).toBeCloseTo(0.001 / 1.5, 12);
  });

  test('r stays while the effective rank is below it', async () => {
    await scenario.nights(6, '10m', { ...quiet, drift: 0.25, effectiveRank: 30 });
    const { status } = await scenario.evaluate();
    expect(scenario.value('dmdRank')).toBe(50);
    expect(status.rules['psi-drift-high']).toMatchObject({
      state: 'Firing',
      reason: 'kcl_effective_rank is 30, below the value 50',
    });
  });

  test('r goes back after a day of drift below 0.12', async () => {
    await scenario.nights(3, '10m', { ...quiet, drift: 0.25 });
    await scenario.evaluate();
    expect(scenario.value('dmdRank')).toBe(75);
    for (let hour = 0; hour < 20; hour++) {
      await scenario.night('1h', { ...quiet, drift: 0.05 });
      await scenario.evaluate();
    }
    expect(scenario.phase('dmdRank')).toBe('CoolingDown');
    expect(scenario.value('dmdRank')).toBe(75);
    for (let hour = 0; hour < 10; hour++) {
      await scenario.night('1h', { ...quiet, drift: 0.05 });
      await scenario.evaluate();
    }
    expect(scenario.value('dmdRank')).toBe(50);
  });
});
