import { Duration } from '../../operator/api/duration.js';
import type { ParameterSpec, TuningProfileSpec } from '../../operator/api/tuning-profile.js';
import {
  tunableParameters,
  type Adjustment,
  type TunableParameter,
  type TuningStatus,
} from '../../operator/api/tuning-status.js';
import { tune, type TuneInput } from '../../operator/tuning/tune.js';
import { seededRandom } from '../../services/common/network/random.js';
import { createPlant, type Values } from './plant.js';
import { plantProfile } from '../tuning/profile.js';

/** What a tuner did to one plant. */
export interface PlantReport {
  readonly seed: number;
  /** Each is a rule of the tuner that was broken, in words; empty is good. */
  readonly broken: readonly string[];
  readonly changes: number;
  readonly reverted: number;
  readonly oscillating: number;
}

interface Change {
  readonly at: number;
  readonly up: boolean;
}

const start: Values = { annealT0: 2, learningRate: 0.01, l1Strength: 0.001, dmdRank: 50 };
const evaluations = 650;
const intervalMs = 60_000;
/** A parameter may turn so often … */
const mostReversals = 2;
/** … in so many cool-downs. */
const coolDowns = 20;

/**
 * Lets the tuner run on one random plant, for more than 20 of its longest cool-downs. At random
 * the operator is killed after an evaluation, so that only the status as JSON is left, or sleeps through one.
 */
export function simulatePlant(seed: number): PlantReport {
  const random = seededRandom(seed);
  const profile = plantProfile(random);
  const plant = createPlant(random, 40 * intervalMs);
  const changes = new Map<TunableParameter, Change[]>();
  const broken: string[] = [];
  const adjustments = new Map<string, Adjustment>();
  let [values, status]: [Values, TuningStatus | undefined] = [start, undefined];
  let oscillating = 0;

  for (let step = 1; step <= evaluations; step++) {
    const now = step * intervalMs;
    plant.scrape(now, values);
    if (random() < 0.05) continue;
    const result = tune(inputOf({ profile, samples: plant.samples(), values, status, now }));
    for (const adjustment of result.adjustments) adjustments.set(adjustment.id, adjustment);
    const killed = random() < 0.2;
    status = killed ? (JSON.parse(JSON.stringify(result.status)) as TuningStatus) : result.status;
    const next = valuesOf(status);
    for (const parameter of tunableParameters) {
      const [from, to] = [values[parameter], next[parameter]];
      if (status.parameters[parameter].state.phase === 'Oscillating') oscillating += 1;
      broken.push(...limitsBroken(parameter, profile.parameters[parameter], from, to));
      if (to !== from)
        changes.set(parameter, [...(changes.get(parameter) ?? []), { at: now, up: to > from }]);
    }
    values = next;
  }
  for (const [parameter, list] of changes) broken.push(...turnsBroken(parameter, list, profile));
  const reverted = [...adjustments.values()].filter(({ outcome }) => outcome === 'Reverted').length;
  const count = [...changes.values()].reduce((sum, list) => sum + list.length, 0);
  return { seed, broken, changes: count, reverted, oscillating };
}

/** Lets the tuner run on many plants. */
export function simulatePlants(count: number, firstSeed = 1): PlantReport[] {
  return Array.from({ length: count }, (_, index) => simulatePlant(firstSeed + index));
}

function inputOf(
  state: Pick<TuneInput, 'profile' | 'samples' | 'status' | 'now'> & { readonly values: Values },
): TuneInput {
  const { values, ...rest } = state;
  const effective = Object.fromEntries(
    tunableParameters.map((parameter) => [
      parameter,
      {
        value: values[parameter],
        source: rest.status?.parameters[parameter].tuned === undefined ? 'Default' : 'Tuner',
      },
    ]),
  ) as TuneInput['effective'];
  return { ...rest, effective, staleAfterMs: 2 * intervalMs };
}

function valuesOf(status: TuningStatus): Values {
  return Object.fromEntries(
    tunableParameters.map((parameter) => [parameter, status.parameters[parameter].tuned ?? start[parameter]]),
  ) as Record<TunableParameter, number>;
}

function limitsBroken(
  parameter: TunableParameter,
  { min, max, maxStep: { ratio = Infinity, absolute = Infinity } }: ParameterSpec,
  from: number,
  to: number,
): string[] {
  const rounding = 1 + 1e-9;
  const broken: string[] = [];
  if (!(to >= min && to <= max)) broken.push(`${parameter} ${to} is outside [${min}, ${max}]`);
  if (Math.max(to / from, from / to) > ratio * rounding || Math.abs(to - from) > absolute * rounding) {
    broken.push(`${parameter} from ${from} to ${to} is more than a step`);
  }
  return broken;
}

function turnsBroken(
  parameter: TunableParameter,
  changes: readonly Change[],
  { rules }: TuningProfileSpec,
): string[] {
  const coolDown = Math.max(
    ...rules
      .filter((rule) => rule.parameter === parameter)
      .map((rule) => Duration.parse(rule.coolDown).milliseconds),
  );
  const turns = changes
    .filter(({ up }, index) => index > 0 && changes[index - 1]!.up !== up)
    .map(({ at }) => at);
  return turns.flatMap((at, index) => {
    const later = turns[index + mostReversals];
    return later !== undefined && later - at < coolDowns * coolDown
      ? [`${parameter} turned ${mostReversals + 1} times within ${coolDowns} cool-downs`]
      : [];
  });
}
