import { brokenRule, celValue } from './cel.js';
import { childPath, type ManifestProblem } from './problem.js';
import type { Rule, StructuralSchema } from './schema.js';

/** A value at its place: the schema of the node, its path, and what is stored there now. */
interface Node {
  readonly schema: StructuralSchema;
  readonly value: unknown;
  readonly stored: unknown;
  readonly path: string;
}

/**
 * What the API server checks after types and bounds: identity of list items, then the CEL rules of every node.
 * @param node a value that passed the structural schema, defaults filled
 */
export function ruleProblems(node: Node): ManifestProblem[] {
  const { schema, value, stored } = node;
  if (value === undefined) return [];
  const rules = schema['x-kubernetes-validations'] ?? [];
  const broken = rules.flatMap((rule) => {
    const reason = brokenRule(rule, celValue(value, schema), celValue(stored, schema));
    return reason === undefined ? [] : [blame(node, rule, reason)];
  });
  return [...duplicates(node), ...broken, ...childrenOf(node).flatMap(ruleProblems)];
}

function blame({ value, path }: Node, rule: Rule, reason: string): ManifestProblem {
  const keys = (rule.fieldPath ?? '').split('.').filter((key) => key !== '');
  const at = keys.reduce<unknown>(
    (parent, key) => (parent as Record<string, unknown> | undefined)?.[key],
    value,
  );
  return { path: keys.reduce(childPath, path), value: at, reason };
}

function childrenOf({ schema, value, stored, path }: Node): Node[] {
  if (schema.type === 'array') {
    return (value as unknown[]).map((item, index) => ({
      schema: schema.items!,
      value: item,
      stored: undefined,
      path: childPath(path, index),
    }));
  }
  if (schema.type !== 'object') return [];
  return Object.entries(value as Record<string, unknown>).flatMap(([key, item]) => {
    const child = schema.properties?.[key] ?? schema.additionalProperties;
    const before = (stored as Record<string, unknown> | undefined)?.[key];
    return child === undefined
      ? []
      : [{ schema: child, value: item, stored: before, path: childPath(path, key) }];
  });
}

function duplicates({ schema, value, path }: Node): ManifestProblem[] {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (keys === undefined && schema['x-kubernetes-list-type'] !== 'set') return [];
  const seen = new Set<string>();
  return (value as unknown[]).flatMap((item, index) => {
    const identity = keys === undefined ? item : keys.map((key) => (item as Record<string, unknown>)[key]);
    const text = JSON.stringify(identity);
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    const what = keys === undefined ? 'item' : keys.join(' and ');
    return [
      { path: childPath(path, index), value: item, reason: `duplicate: the list already has this ${what}` },
    ];
  });
}
