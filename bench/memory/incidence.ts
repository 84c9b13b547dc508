/** Which rows (episodes) hold which items (concepts), as sparse lists both ways; all lists ascend. */
export interface Incidence {
  /** Items of each row. */
  readonly rows: readonly Uint32Array[];
  /** Rows of each item. */
  readonly columns: readonly Uint32Array[];
}

/** Scores of all items for a cue of items; an item that a method says nothing about has -Infinity. */
export type Scorer = (cue: Uint32Array) => Float64Array | Promise<Float64Array>;

/** Builds the lists from the items of each row, in any order, each once. */
export function incidenceOf(rows: readonly (readonly number[] | Uint32Array)[], items: number): Incidence {
  const columns = Array.from({ length: items }, (): number[] => []);
  const sorted = rows.map((row) => Uint32Array.from(row).sort());
  sorted.forEach((row, at) => {
    for (const item of row) columns[item]!.push(at);
  });
  return { rows: sorted, columns: columns.map((column) => Uint32Array.from(column)) };
}
