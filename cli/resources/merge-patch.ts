/** Applies a JSON merge patch (RFC 7386): null removes a field, objects are merged, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const before: Readonly<Record<string, unknown>> = isObject(target) ? target : {};
  const kept = Object.entries(before).filter(([key]) => patch[key] !== null);
  const changed = Object.entries(patch)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, mergePatch(before[key], value)] as const);
  return Object.fromEntries([...kept, ...changed]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
