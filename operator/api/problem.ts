/** One thing that is wrong with a manifest. */
export interface ManifestProblem {
  /** Path of the field, such as `spec.rollout.steps[1].weight`. */
  readonly path: string;
  /** The value that was found; undefined when it is missing. */
  readonly value: unknown;
  readonly reason: string;
}

/** The problem in the words of kubectl: `spec.version: Invalid value: "": must have at least 1 character`. */
export function problemText({ path, value, reason }: ManifestProblem): string {
  const at = path === '' ? '' : `${path}: `;
  if (value === undefined) return `${at}Required value: ${reason}`;
  return `${at}Invalid value: ${shortJson(value)}: ${reason}`;
}

/** Path of a child: `.key`, `["odd key"]` or `[index]`. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[A-Za-z_$][-\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** The name of a list that is fewest edits away, when it is near enough to be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined;
}

/** Levenshtein distance, one row at a time (Wagner & Fischer 1974). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
    }
    row = next;
  }
  return row[b.length]!;
}

/** JSON of a value, cut so that an error never repeats a page of input. */
function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
