import type { Aggregate } from '../api/tuning-rules.js';
import type { Estimate } from '../api/tuning-status.js';
import type { CycleSample } from '../samples/cycles.js';
import { mean, median, standardDeviation, theilSen } from '../samples/statistics.js';

const weekMs = 7 * 24 * 3_600_000;

/**
 * Makes one number of the sleep cycles of a window, with its standard error.
 * @param cycles one sample a distinct cycle, oldest first
 * @returns undefined when the cycles cannot give the number: nothing there, no step between cycles, no slope
 */
export function aggregate(kind: Aggregate, cycles: readonly CycleSample[]): Estimate | undefined {
  const estimate = estimators[kind](cycles);
  if (estimate === undefined || !Number.isFinite(estimate.value)) return undefined;
  return { ...estimate, samples: cycles.length };
}

type Estimator = (cycles: readonly CycleSample[]) => Omit<Estimate, 'samples'> | undefined;

const estimators: Readonly<Record<Aggregate, Estimator>> = {
  mean: (cycles) => meanOf(valuesOf(cycles)),
  magnitude: (cycles) => meanOf(valuesOf(cycles).map(Math.abs)),
  // The median of a normal sample is that much less certain than its mean.
  median: (cycles) => scaled(Math.sqrt(Math.PI / 2), median(valuesOf(cycles)), valuesOf(cycles)),
  min: (cycles) => single(cycles, Math.min(...valuesOf(cycles))),
  max: (cycles) => single(cycles, Math.max(...valuesOf(cycles))),
  last: (cycles) => single(cycles, cycles.at(-1)?.value),
  perCycle: (cycles) => meanOf(stepsOf(cycles).flatMap(increaseEachCycle)),
  signChanges: (cycles) => {
    const signs = valuesOf(cycles)
      .map(Math.sign)
      .filter((sign) => sign !== 0);
    return meanOf(signs.slice(1).map((sign, index) => (sign === signs[index] ? 0 : 1)));
  },
  growthPerWeek: (cycles) => {
    const typical = median(valuesOf(cycles));
    const line = theilSen(cycles.map(({ at, value }) => ({ x: at, y: value })));
    if (line === undefined || !(typical > 0)) return undefined;
    const scale = weekMs / typical;
    return { value: line.slope * scale, standardError: line.standardError * scale };
  },
};

function valuesOf(cycles: readonly CycleSample[]): number[] {
  return cycles.map(({ value }) => value);
}

function meanOf(values: readonly number[]) {
  return values.length === 0 ? undefined : scaled(1, mean(values), values);
}

function scaled(factor: number, value: number, values: readonly number[]) {
  return {
    value,
    standardError: (factor * standardDeviation(values)) / Math.sqrt(Math.max(1, values.length)),
  };
}

/** A value that stands for itself is as uncertain as the cycles differ. */
function single(cycles: readonly CycleSample[], value: number | undefined) {
  return value === undefined ? undefined : { value, standardError: standardDeviation(valuesOf(cycles)) };
}

interface Step {
  readonly cycles: number;
  readonly increase: number;
}

/** Between neighbouring cycles; a counter below its last value has started again from 0. */
function stepsOf(cycles: readonly CycleSample[]): Step[] {
  return cycles.slice(1).map(({ cycle, value }, index) => {
    const before = cycles[index]!;
    return { cycles: cycle - before.cycle, increase: value >= before.value ? value - before.value : value };
  });
}

/** A step over cycles that no scrape saw is spread over them. */
function increaseEachCycle({ cycles, increase }: Step): number[] {
  return Array.from({ length: cycles }, () => increase / cycles);
}
