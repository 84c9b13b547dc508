import { describe, expect, test } from '@jest/globals';
import { Matrix, inverse } from 'ml-matrix';
import { seededRandom } from '../../common/network/random.js';
import { filterEdges, pairsSeenTogether, type Edges } from './edges.js';
import { proximalStep, strongestEdges } from './proximal.js';

const none: Edges = { a: new Uint32Array(), b: new Uint32Array(), value: new Float32Array() };

/** Rows over `nodes` nodes in which neighbours like to come together. */
function rowsOf(count: number, nodes: number, seed: number): Uint32Array[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const theme = Math.floor(random() * nodes);
    return Uint32Array.from({ length: nodes }, (_, i) => i).filter(
      (i) => random() < (Math.abs(i - theme) <= 2 ? 0.8 : 0.15),
    );
  });
}

function incidence(rows: readonly Uint32Array[], nodes: number): Matrix {
  const matrix = Matrix.zeros(rows.length, nodes);
  rows.forEach((row, e) => row.forEach((i) => matrix.set(e, i, 1)));
  return matrix;
}

/** B of all pairs from its definition: (XᵀX + Λ)(B − B⁰) = Xᵀ(X − XB⁰) − diag γ with diag B = 0, solved densely. */
function denseStep(x: Matrix, old: Matrix, anchor: Float32Array): Matrix {
  const precision = x
    .transpose()
    .mmul(x)
    .add(Matrix.diag(Array.from(anchor)));
  const p = inverse(precision);
  const free = p.mmul(x.transpose()).mmul(x.clone().sub(x.mmul(old)));
  const gamma = Array.from({ length: x.columns }, (_, j) => free.get(j, j) / p.get(j, j));
  return old.clone().add(free.sub(p.mmul(Matrix.diag(gamma))));
}

function coefficients(edges: Edges, scale: Float32Array): Matrix {
  const b = Matrix.zeros(scale.length, scale.length);
  edges.value.forEach((rho, k) => {
    const [i, j] = [edges.a[k]!, edges.b[k]!];
    b.set(i, j, (rho * scale[j]!) / scale[i]!);
    b.set(j, i, (rho * scale[i]!) / scale[j]!);
  });
  return b;
}

/** Largest difference between the edges and what B says of them in the mean of both directions. */
function distance(edges: Edges, b: Matrix, scale: Float32Array): number {
  return Math.max(
    ...Array.from(edges.value, (rho, k) => {
      const [i, j] = [edges.a[k]!, edges.b[k]!];
      const mean = (b.get(i, j) * scale[i]!) / scale[j]! + (b.get(j, i) * scale[j]!) / scale[i]!;
      return Math.abs(rho - mean / 2);
    }),
  );
}

describe('proximalStep', () => {
  const nodes = 14;
  const rows = rowsOf(60, nodes, 3);
  const x = incidence(rows, nodes);
  const scale = Float32Array.from({ length: nodes }, (_, i) => 1 + i / 10);
  const anchor = Float32Array.from({ length: nodes }, (_, i) => 4 + (i % 5));

  test('from nothing is EASE: B = I − P diag(1 / diag P)', () => {
    const learned = proximalStep(none, { inputs: rows, targets: rows, scale, anchor });
    const p = inverse(
      x
        .transpose()
        .mmul(x)
        .add(Matrix.diag(Array.from(anchor))),
    );
    const ease = Matrix.eye(nodes).sub(p.mmul(Matrix.diag(Array.from(p.diagonal(), (value) => 1 / value))));
    expect(learned.a.length).toBe(pairsSeenTogether(rows, nodes, 2).a.length);
    expect(distance(learned, ease, scale)).toBeLessThan(1e-5);
  });

  test('from a network is the minimum of the residual and the distance to it', () => {
    const old = proximalStep(none, {
      inputs: rowsOf(40, nodes, 8),
      targets: rowsOf(40, nodes, 8),
      scale,
      anchor,
    });
    const learned = proximalStep(old, { inputs: rows, targets: rows, scale, anchor });
    const expected = denseStep(x, coefficients(old, scale), anchor);
    // Predictions below 0.005 are left out.
    expect(distance(learned, expected, scale)).toBeLessThan(2e-3);
  });

  test('an immovable anchor leaves everything as it is; edges outside the rows stay', () => {
    const old: Edges = {
      a: Uint32Array.of(0, 3),
      b: Uint32Array.of(1, 9),
      value: Float32Array.of(0.25, -0.5),
    };
    const firm = new Float32Array(nodes).fill(1e9);
    const lesson = { inputs: [Uint32Array.of(0, 1), Uint32Array.of(0, 1)], scale, anchor: firm };
    const learned = proximalStep(old, { ...lesson, targets: lesson.inputs });
    expect([...learned.value]).toEqual([0.25, -0.5]);
  });

  test('a pair seen once is a coincidence', () => {
    const lesson = {
      inputs: [Uint32Array.of(0, 1), Uint32Array.of(1, 2), Uint32Array.of(1, 2)],
      scale,
      anchor,
    };
    const learned = proximalStep(none, { ...lesson, targets: lesson.inputs });
    expect([...learned.a, ...learned.b]).toEqual([1, 2]);
  });
});

describe('strongestEdges', () => {
  test('keeps the largest, in order', () => {
    const edges: Edges = {
      a: Uint32Array.of(0, 0, 1, 2),
      b: Uint32Array.of(1, 2, 2, 3),
      value: Float32Array.of(0.5, -0.9, 0.1, 0.7),
    };
    const kept = strongestEdges(edges, 2, (edge) => Math.abs(edges.value[edge]!));
    expect(kept).toEqual(filterEdges(edges, (edge) => edge === 1 || edge === 3));
    expect(strongestEdges(edges, 4, () => 0)).toBe(edges);
  });
});
