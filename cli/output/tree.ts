/** A line with the lines under it. */
export interface Branch {
  readonly text: string;
  readonly children?: readonly Branch[];
}

/** Lines of a tree, as `kubectl argo rollouts get` and `tree` draw them. */
export function treeLines({ text, children = [] }: Branch): string[] {
  return [text, ...children.flatMap((child, index) => below(child, index === children.length - 1))];
}

function below(child: Branch, last: boolean): string[] {
  const [first = '', ...others] = treeLines(child);
  return [`${last ? '└─' : '├─'} ${first}`, ...others.map((text) => `${last ? '  ' : '│ '} ${text}`)];
}

/** Texts in columns: every column but the last is as wide as its widest text. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (found, row) => row.map((text, k) => Math.max(text.length, found[k] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row
      .map((text, k) => text.padEnd(widths[k] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
