/** What a text is written with: epoch milliseconds, and the command as the person typed it. */
export interface Reader {
  readonly now: number;
  readonly self: string;
}

/** A heading with indented lines. */
export function section(heading: string, lines: readonly string[]): string {
  return [heading, ...lines.map((line) => `  ${line}`.trimEnd())].join('\n');
}
