import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import type { Rule, StructuralSchema } from './schema.js';

/** A Kubernetes quantity; `quantity()` is of the API server's library, not of CEL itself. */
class Quantity {
  readonly amount: number;

  constructor(text: string) {
    const [, digits, suffix = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? [];
    const factor = suffixes[suffix];
    if (digits === undefined || factor === undefined) throw new RangeError(`"${text}" is not a quantity`);
    this.amount = Number(digits) * factor;
  }
}

const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

const environment = new Environment({ unlistedVariablesAreDyn: true })
  .registerType('Quantity', Quantity)
  .registerFunction('quantity(string): Quantity', (text: string) => new Quantity(text))
  .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) =>
    BigInt(Math.sign(a.amount - b.amount)),
  );
const programs = new Map<string, ParseResult>();

/**
 * Evaluates one `x-kubernetes-validations` rule as the API server would.
 * A rule that names `oldSelf` is a transition rule and holds where there is no stored value.
 * @returns undefined when it holds, else the reason
 */
export function brokenRule(rule: Rule, self: unknown, oldSelf: unknown): string | undefined {
  if (oldSelf === undefined && /\boldSelf\b/.test(rule.rule)) return undefined;
  try {
    return programOf(rule.rule)({ self, oldSelf }) === true ? undefined : rule.message;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `rule "${rule.rule}" cannot be evaluated: ${reason.split('\n')[0] ?? reason}`;
  }
}

/** The value with the static types of its schema: CEL integers are 64-bit, which JavaScript keeps as bigint. */
export function celValue(value: unknown, schema: StructuralSchema): unknown {
  if (value === undefined) return undefined;
  if (schema.type === 'integer') return BigInt(value as number);
  if (schema.type === 'array') return Array.from(value as unknown[], (item) => celValue(item, schema.items!));
  if (schema.type !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, item]) => {
      const child = schema.properties?.[key] ?? schema.additionalProperties;
      return [key, child === undefined ? item : celValue(item, child)];
    }),
  );
}

function programOf(rule: string): ParseResult {
  const program = programs.get(rule) ?? environment.parse(rule);
  programs.set(rule, program);
  return program;
}
