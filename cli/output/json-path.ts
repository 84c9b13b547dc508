/** A step of a path: `.name`, `[0]`, `[*]` or `[?(@.name=="value")]`. */
const step = /\.([\w-]+)|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([\w-]+)=="([^"]*)"\)\]/g;

/**
 * The values at a path, in the part of kubectl's JSONPath that printer columns use.
 * @returns empty when the path leads nowhere
 */
export function valuesAt(root: unknown, path: string): unknown[] {
  return [...path.matchAll(step)].reduce<unknown[]>(
    (values, match) => values.flatMap((value) => childrenOf(value, match)),
    [root],
  );
}

function childrenOf(value: unknown, [, name, index, , field, wanted]: RegExpMatchArray): unknown[] {
  if (name !== undefined) return present(fieldOf(value, name));
  if (!Array.isArray(value)) return [];
  const items: readonly unknown[] = value;
  if (index !== undefined) return present(items[Number(index)]);
  return field === undefined ? [...items] : items.filter((item) => fieldOf(item, field) === wanted);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}
