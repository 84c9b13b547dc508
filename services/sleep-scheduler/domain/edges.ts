/** Edges by node index with one value each; a < b, ascending by (a, b), each once. */
export interface Edges {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly value: Float32Array;
}

/** For each node the episodes that hold it, ascending. */
export function holdersOf(active: readonly Uint32Array[], nodes: number): Uint32Array[] {
  const sizes = new Uint32Array(nodes);
  for (const indices of active) for (const i of indices) sizes[i]!++;
  const holders = Array.from(sizes, (size) => new Uint32Array(size));
  sizes.fill(0);
  active.forEach((indices, episode) => {
    for (const i of indices) holders[i]![sizes[i]!++] = episode;
  });
  return holders;
}

/**
 * Pairs of concepts that at least `fewest` episodes hold together, with how many: the upper triangle of XᵀX.
 * Linear in the pairs that the episodes hold.
 */
export function pairsSeenTogether(active: readonly Uint32Array[], nodes: number, fewest: number): Edges {
  const found: { a: number[]; b: number[]; value: number[] } = { a: [], b: [], value: [] };
  forEachRow(active, nodes, (i, together, touched) => {
    for (const j of touched.sort((x, y) => x - y)) {
      if (together[j]! < fewest) continue;
      found.a.push(i);
      found.b.push(j);
      found.value.push(together[j]!);
    }
  });
  return {
    a: Uint32Array.from(found.a),
    b: Uint32Array.from(found.b),
    value: Float32Array.from(found.value),
  };
}

/** How many of the episodes hold both ends of each edge. */
export function supportOf({ a, b }: Edges, active: readonly Uint32Array[], nodes: number): Float32Array {
  const support = new Float32Array(a.length);
  let edge = 0;
  forEachRow(active, nodes, (i, together) => {
    for (; edge < a.length && a[edge] === i; edge++) support[edge] = together[b[edge]!]!;
  });
  return support;
}

/**
 * Visits the rows of the upper triangle of XᵀX in order, made from the inverted index (Gustavson 1978).
 * @param visit gets i, how many episodes hold i and j by j (0 for j not above i), and the j that are not 0 in any order
 */
function forEachRow(
  active: readonly Uint32Array[],
  nodes: number,
  visit: (i: number, together: Uint32Array, touched: number[]) => void,
): void {
  const together = new Uint32Array(nodes);
  holdersOf(active, nodes).forEach((holders, i) => {
    const touched: number[] = [];
    for (const episode of holders) {
      for (const j of active[episode]!) if (j > i && together[j]!++ === 0) touched.push(j);
    }
    visit(i, together, touched);
    for (const j of touched) together[j] = 0;
  });
}

/** All edges of both, each once; where both have one, the value of the first. Others of the second get `value`. */
export function unionEdges(first: Edges, second: Edges, value: number): Edges {
  const most = first.a.length + second.a.length;
  const union = { a: new Uint32Array(most), b: new Uint32Array(most), value: new Float32Array(most) };
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < first.a.length || j < second.a.length) {
    const order = compare(first, i, second, j);
    const [source, at] = order <= 0 ? [first, i] : [second, j];
    union.a[size] = source.a[at]!;
    union.b[size] = source.b[at]!;
    union.value[size++] = order <= 0 ? first.value[i]! : value;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return {
    a: union.a.slice(0, size),
    b: union.b.slice(0, size),
    value: union.value.slice(0, size),
  };
}

/** The edges whose number passes the test. */
export function filterEdges(edges: Edges, keep: (edge: number) => boolean): Edges {
  const kept = Uint32Array.from(edges.a.keys()).filter(keep);
  return {
    a: kept.map((edge) => edges.a[edge]!),
    b: kept.map((edge) => edges.b[edge]!),
    value: Float32Array.from(kept, (edge) => edges.value[edge]!),
  };
}

/** Below 0 when edge i of the first comes before edge j of the second; a list at its end comes last. */
function compare(first: Edges, i: number, second: Edges, j: number): number {
  if (i >= first.a.length) return 1;
  if (j >= second.a.length) return -1;
  return first.a[i]! - second.a[j]! || first.b[i]! - second.b[j]!;
}
