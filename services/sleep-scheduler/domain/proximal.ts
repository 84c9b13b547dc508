import { filterEdges, holdersOf, pairsSeenTogether, unionEdges, type Edges } from './edges.js';
import { invertSpd } from './spd-inverse.js';

/** Episodes that must hold a pair before it can become an edge: a pair seen once is a coincidence. */
const fewestTogether = 2;

/** Predictions below this are left out of the residual: noise, and most of the work. */
const negligible = 0.005;

/** What one step learns from. */
export interface Lesson {
  /** What the network is shown in each row: node indices, ascending. */
  readonly inputs: readonly Uint32Array[];
  /** What it should make of it. */
  readonly targets: readonly Uint32Array[];
  /** uᵢ of every node. */
  readonly scale: Float32Array;
  /** Λᵢ: how firmly the weights of node i hold on to what they are. */
  readonly anchor: Float32Array;
}

/**
 * One wake-sleep step to its end: the edges that minimise
 *
 *     ½ Σ_rows ‖target − Bᵀ input‖² + ½ Σᵢ Λᵢ Σⱼ (Bᵢⱼ − Bᵢⱼ⁰)²,  Bᵢᵢ = 0,  Bᵢⱼ = ρᵢⱼ uⱼ/uᵢ.
 *
 * Setting the gradient to 0 gives B = B⁰ + Λ⁻¹(⟨input targetᵀ⟩₊ − ⟨input predictionᵀ⟩₋) with the prediction of the *new*
 * network: the contrastive update taken implicitly (proximal point, Rockafellar 1976), which no step size makes unstable.
 * Solved in closed form over the rows, not the nodes: with M = (I + XΛ⁻¹Xᵀ)⁻¹ and the residual R of the old network,
 * B − B⁰ = Λ⁻¹Xᵀ M (R + XΛ⁻¹Γ), where the diagonal Γ keeps Bᵢᵢ = 0 as in EASE (Steck 2019, eq. 8). From B⁰ = 0 this is EASE;
 * M is the dreaming kernel of Hopfield networks (Fachechi, Agliari & Barra 2019), with Λ for the length of the dream.
 *
 * Only edges that are there, and pairs seen together, are computed; ρ is the mean of what both directions say of it.
 * @param edges value: partial correlation ρ
 * @returns the union of old edges and candidates with their new ρ
 */
export function proximalStep(edges: Edges, lesson: Lesson): Edges {
  const { inputs, scale, anchor } = lesson;
  const nodes = scale.length;
  const holders = holdersOf(inputs, nodes);
  const responses = responsesOf(holders, anchor, inputs.length);
  const residual = residualColumns(edges, lesson);
  keepDiagonalZero(residual, { holders, responses, anchor });
  const candidates = unionEdges(edges, pairsSeenTogether(inputs, nodes, fewestTogether), 0);
  const pull = (i: number, j: number) => {
    const response = responses[i];
    const column = residual[j];
    if (response === undefined || column === undefined) return 0;
    let sum = 0;
    for (let k = 0; k < column.rows.length; k++) sum += response[column.rows[k]!]! * column.values[k]!;
    return (sum * scale[i]!) / (scale[j]! * anchor[i]!);
  };
  for (let edge = 0; edge < candidates.a.length; edge++) {
    const a = candidates.a[edge]!;
    const b = candidates.b[edge]!;
    candidates.value[edge]! += (pull(a, b) + pull(b, a)) / 2;
  }
  return candidates;
}

/** The `count` edges of the largest measure, in their order; all when there are no more. */
export function strongestEdges(edges: Edges, count: number, measure: (edge: number) => number): Edges {
  if (edges.a.length <= count) return edges;
  const sizes = Float32Array.from(edges.a.keys(), measure);
  const threshold = sizes.slice().sort()[sizes.length - count]!;
  return filterEdges(edges, (edge) => sizes[edge]! >= threshold);
}

/** Row i of XᵀM: how every row answers to node i; undefined for nodes that fewer than two rows hold. */
type Responses = readonly (Float32Array | undefined)[];

function responsesOf(holders: readonly Uint32Array[], anchor: Float32Array, rows: number): Responses {
  const kernel = new Float64Array(rows * rows);
  for (let row = 0; row < rows; row++) kernel[row * rows + row] = 1;
  holders.forEach((held, i) => {
    const share = 1 / anchor[i]!;
    for (const row of held) for (const other of held) kernel[row * rows + other]! += share;
  });
  invertSpd(kernel, rows);
  return holders.map((held) => {
    if (held.length < fewestTogether) return undefined;
    const response = new Float32Array(rows);
    for (const row of held) {
      for (let other = 0; other < rows; other++) response[other]! += kernel[row * rows + other]!;
    }
    return response;
  });
}

/** A sparse column over the rows of the lesson. */
interface Column {
  readonly rows: number[];
  readonly values: number[];
}

/** R = target − prediction of the old network, by node. */
function residualColumns(edges: Edges, { inputs, targets, scale }: Lesson): Column[] {
  const columns: Column[] = Array.from(scale, () => ({ rows: [], values: [] }));
  const neighbours = neighboursOf(edges, scale.length);
  const prediction = new Float64Array(scale.length);
  const residual = (row: number, j: number, value: number) => {
    if (Math.abs(value) < negligible) return;
    columns[j]!.rows.push(row);
    columns[j]!.values.push(value);
  };
  inputs.forEach((input, row) => {
    const touched = new Set<number>(targets[row]);
    for (const i of input) {
      for (const { node, rho } of neighbours[i]!) {
        prediction[node]! += (rho * scale[node]!) / scale[i]!;
        touched.add(node);
      }
    }
    const wanted = new Set(targets[row]);
    for (const j of touched) {
      residual(row, j, (wanted.has(j) ? 1 : 0) - prediction[j]!);
      prediction[j] = 0;
    }
  });
  return columns;
}

function neighboursOf({ a, b, value }: Edges, nodes: number): { node: number; rho: number }[][] {
  const neighbours: { node: number; rho: number }[][] = Array.from({ length: nodes }, () => []);
  for (let edge = 0; edge < a.length; edge++) {
    neighbours[a[edge]!]!.push({ node: b[edge]!, rho: value[edge]! });
    neighbours[b[edge]!]!.push({ node: a[edge]!, rho: value[edge]! });
  }
  return neighbours;
}

/** Adds XΛ⁻¹Γ to the residual: γⱼ = (Λ⁻¹XᵀMR)ⱼⱼ / Pⱼⱼ with P = Λ⁻¹ − Λ⁻¹XᵀMXΛ⁻¹. */
function keepDiagonalZero(
  residual: Column[],
  space: { holders: readonly Uint32Array[]; responses: Responses; anchor: Float32Array },
): void {
  residual.forEach((column, j) => {
    const response = space.responses[j];
    if (response === undefined) return;
    const anchor = space.anchor[j]!;
    let own = 0;
    for (let k = 0; k < column.rows.length; k++) own += response[column.rows[k]!]! * column.values[k]!;
    let explained = 0;
    for (const row of space.holders[j]!) explained += response[row]!;
    const gamma = own / anchor / (1 / anchor - explained / anchor ** 2);
    for (const row of space.holders[j]!) {
      column.rows.push(row);
      column.values.push(gamma / anchor);
    }
  });
}
