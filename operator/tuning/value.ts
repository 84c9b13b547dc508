import type { ParameterSpec } from '../api/tuning-profile.js';
import type { TuningRule } from '../api/tuning-rules.js';
import type { TunableParameter } from '../api/tuning-status.js';

/** What a new value is made from. */
export interface ValueContext {
  readonly parameter: TunableParameter;
  readonly spec: ParameterSpec;
  /** The effective value. */
  readonly from: number;
  /** The effective value without the tuner. */
  readonly origin: number;
}

/** A step of the chain: takes the value so far, gives it back limited. */
type Limit = (value: number, context: ValueContext) => number;

const limits: readonly Limit[] = [limitStep, limitRange, pinned];

/**
 * The value that a rule leads to: action → step limit → range → pin.
 * @returns undefined when nothing would change, or when the limits would turn the change around
 */
export function nextValue(
  rule: TuningRule,
  context: ValueContext,
): { readonly uncapped: number; readonly to: number } | undefined {
  const uncapped = act(rule.action, context);
  const to = limits.reduce((value, limit) => limit(value, context), uncapped);
  const wanted = Math.sign(uncapped - context.from);
  return wanted !== 0 && Math.sign(to - context.from) === wanted ? { uncapped, to } : undefined;
}

/** The value inside the range of the profile. */
export function limitRange(
  value: number,
  { spec, parameter }: Pick<ValueContext, 'spec' | 'parameter'>,
): number {
  return Math.min(spec.max, Math.max(spec.min, rounded(value, parameter)));
}

function act({ type, value = 1 }: TuningRule['action'], { from, origin }: ValueContext): number {
  switch (type) {
    case 'multiply':
      return from * value;
    case 'divide':
      return from / value;
    case 'set':
      return value;
    case 'relax':
      return origin;
  }
}

function limitStep(value: number, { spec: { maxStep }, from }: ValueContext): number {
  const { ratio, absolute = Infinity } = maxStep;
  const highest = Math.min(ratio === undefined ? Infinity : from * ratio, from + absolute);
  const lowest = Math.max(ratio === undefined ? -Infinity : from / ratio, from - absolute);
  return Math.min(highest, Math.max(lowest, value));
}

function pinned(value: number, { spec }: ValueContext): number {
  return spec.pin ?? value;
}

/** Ranks are whole; other values lose the last digits, so that factors there and back meet again. */
function rounded(value: number, parameter: TunableParameter): number {
  return parameter === 'dmdRank' ? Math.round(value) : Number(value.toPrecision(12));
}
