import type { z } from 'zod';
import { invalidArgument, ServiceError } from '../../common/errors.js';

/**
 * Checks the arguments of a tool.
 * @throws INVALID_ARGUMENT for the first fault: one line with field, value and what is accepted
 */
export function parseArguments<T>(schema: z.ZodType<T>, args: unknown): T {
  const result = schema.safeParse(args ?? {});
  if (result.success) return result.data;
  throw describeIssue(innermost(result.error.issues[0]!), args);
}

/** A value that is of the form of one alternative of a union, but wrong inside, is judged as that alternative. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inside = issue.errors.flat().find(({ path }) => path.length > 0);
  return inside === undefined ? issue : innermost({ ...inside, path: [...issue.path, ...inside.path] });
}

function describeIssue(issue: z.core.$ZodIssue, args: unknown): ServiceError {
  const field = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const prefix = field === '' ? '' : `${field}.`;
    return new ServiceError(
      'INVALID_ARGUMENT',
      `${prefix}${issue.keys.join(', ')}: unknown; expected no such field`,
    );
  }
  return invalidArgument(
    field === '' ? 'arguments' : field,
    textOf(valueAt(args, issue.path)),
    expectation(issue),
  );
}

/** Zod's messages read "Invalid input: expected number, received string"; what is accepted stands after "expected". */
function expectation(issue: z.core.$ZodIssue): string {
  const match = /expected (.*?)(?:, received .*)?$/s.exec(issue.message);
  return match?.[1] ?? issue.message;
}

function valueAt(args: unknown, path: readonly PropertyKey[]): unknown {
  let value = args;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Objects as JSON; everything else as it is. */
function textOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? new JsonText(value) : value;
}

/** An object whose text is its JSON. */
class JsonText {
  readonly #value: object;

  constructor(value: object) {
    this.#value = value;
  }

  toString(): string {
    return JSON.stringify(this.#value);
  }
}
