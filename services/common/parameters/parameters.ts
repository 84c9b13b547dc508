import { z } from 'zod';
import { invalidArgument } from '../errors.js';

/** One tunable number: its name on the wire, its bounds (both included) and its default. */
export interface ParameterBounds {
  /** Field name in the proto, used in errors, for example `learning_rate`. */
  readonly field: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** True when only whole numbers are accepted. */
  readonly integer?: boolean;
}

/** The parameters of a service that may change while it runs. They live in memory; the operator keeps them durable. */
export interface ParameterSet<Name extends string> {
  /** The values in force. */
  values(): Readonly<Record<Name, number>>;
  /**
   * Changes the values that are set, all or none, and returns the values then in force.
   * @throws INVALID_ARGUMENT naming field, value and range
   */
  update(changes: Partial<Record<Name, number | undefined>>): Readonly<Record<Name, number>>;
}

/**
 * Creates a set in which every value is within its bounds.
 * @param start values in force at first; those not given are the defaults
 * @throws INVALID_ARGUMENT when a start value is out of bounds
 */
export function createParameterSet<Name extends string>(
  bounds: Readonly<Record<Name, ParameterBounds>>,
  start: Partial<Record<Name, number | undefined>> = {},
): ParameterSet<Name> {
  const names = Object.keys(bounds) as Name[];
  let values = Object.fromEntries(names.map((name) => [name, bounds[name].default])) as Record<Name, number>;
  const set: ParameterSet<Name> = {
    values: () => values,
    update(changes) {
      const next = { ...values };
      for (const name of names) {
        const value = changes[name];
        if (value !== undefined) next[name] = checkParameter(bounds[name], value);
      }
      values = Object.freeze(next);
      return values;
    },
  };
  set.update(start);
  return set;
}

/**
 * Returns the value.
 * @throws INVALID_ARGUMENT naming field, value and range when it is not within the bounds
 */
export function checkParameter(bounds: ParameterBounds, value: number): number {
  if (!accepts(bounds, value)) throw invalidArgument(bounds.field, value, acceptedRange(bounds));
  return value;
}

/** The environment variable that sets a parameter's start value, for a service's environment schema. */
export function parameterVariable(bounds: ParameterBounds) {
  return z.coerce
    .number({ error: `expected ${acceptedRange(bounds)}` })
    .refine((value) => accepts(bounds, value), { error: `expected ${acceptedRange(bounds)}` })
    .default(bounds.default);
}

function accepts(bounds: ParameterBounds, value: number): boolean {
  return value >= bounds.min && value <= bounds.max && (bounds.integer !== true || Number.isInteger(value));
}

function acceptedRange(bounds: ParameterBounds): string {
  return `${bounds.integer === true ? 'a whole number' : 'a number'} from ${bounds.min} to ${bounds.max}`;
}
