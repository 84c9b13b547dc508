import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addGraph, danglingEdge } from './add.js';
import { emptyGraph } from './graph.js';
import { anyChange, anyGraph, contentOf, graphOf } from '../../../test/samples/graphs.js';

describe('adding a change', () => {
  const graph = graphOf({ 1: 5, 2: 4, 3: 3 }, { '1-2': [0.5, 2], '2-3': [-0.25, 1] });

  test('adds counts, weights and support, and takes in what is new', () => {
    const change = graphOf({ 2: 1, 4: 2 }, { '1-2': [0.25, 1], '1-4': [1, 2], '2-3': [0.125, 0] });
    expect(contentOf(addGraph(graph, change, 0))).toEqual({
      nodes: { 1: 5, 2: 5, 3: 3, 4: 2 },
      edges: { '1-2': [0.75, 3], '1-4': [1, 2], '2-3': [-0.125, 1] },
    });
  });

  test('an edge whose weight becomes 0 leaves, and an edge of weight 0 never comes in', () => {
    const change = graphOf({}, { '1-2': [-0.5, 1], '1-3': [0, 4] });
    expect(contentOf(addGraph(graph, change, 0)).edges).toEqual({ '2-3': [-0.25, 1] });
  });

  test('an edge whose support is taken away leaves', () => {
    const change = graphOf({}, { '1-2': [0, -1], '2-3': [0, -1] });
    expect(contentOf(addGraph(graph, change, 0)).edges).toEqual({ '1-2': [0.5, 1] });
  });

  test('a node that no episode holds any more leaves with its edges', () => {
    const change = graphOf({ 1: -5, 4: 1 }, { '1-4': [1, 1], '3-4': [1, 1] });
    expect(contentOf(addGraph(graph, change, 0))).toEqual({
      nodes: { 2: 4, 3: 3, 4: 1 },
      edges: { '2-3': [-0.25, 1], '3-4': [1, 1] },
    });
  });

  test('over a prune, a new edge has to exceed the threshold by itself; a known edge does not', () => {
    const change = graphOf({}, { '1-2': [0.0001, 1], '1-3': [0.01, 1] });
    expect(Object.keys(contentOf(addGraph(graph, change, 0.01)).edges)).toEqual(['1-2', '2-3']);
    expect(Object.keys(contentOf(addGraph(graph, change, 0.009)).edges)).toEqual(['1-2', '1-3', '2-3']);
  });

  test('property: equals addition over a map', () => {
    fc.assert(
      fc.property(anyGraph, anyChange, (base, change) => {
        const sum = contentOf(addGraph(base, change, 0));
        const expected = contentOf(base);
        const added = contentOf(change);
        for (const [id, count] of Object.entries(added.nodes)) {
          expected.nodes[id] = (expected.nodes[id] ?? 0) + count;
        }
        expected.nodes = Object.fromEntries(Object.entries(expected.nodes).filter(([, count]) => count > 0));
        for (const [ends, [weight, support]] of Object.entries(added.edges)) {
          const [w, s] = expected.edges[ends] ?? [0, 0];
          expected.edges[ends] = [Math.fround(w + weight), Math.max(0, s + support)];
          if (support < 0 && s + support <= 0) expected.edges[ends] = [0, 0];
        }
        expected.edges = Object.fromEntries(
          Object.entries(expected.edges).filter(
            ([ends, [weight]]) => weight !== 0 && ends.split('-').every((id) => id in expected.nodes),
          ),
        );
        expect(sum).toEqual(expected);
      }),
    );
  });

  test('property: the sum is in order and leaves its terms alone', () => {
    fc.assert(
      fc.property(anyGraph, anyChange, (base, change) => {
        const before = [structuredClone(base), structuredClone(change)];
        const sum = addGraph(base, change, 0);
        expect([base, change]).toEqual(before);
        const order = (k: number) => sum.edgeA[k]! * 2 ** 20 + sum.edgeB[k]!;
        for (let k = 1; k < sum.edgeA.length; k++) expect(order(k)).toBeGreaterThan(order(k - 1));
        for (let k = 1; k < sum.nodeIds.length; k++) {
          expect(sum.nodeIds[k]).toBeGreaterThan(sum.nodeIds[k - 1]!);
        }
        expect(danglingEdge(emptyGraph, sum)).toBe(-1);
      }),
    );
  });

  test('an edge needs both its ends', () => {
    expect(danglingEdge(graph, graphOf({ 4: 1 }, { '1-3': [1, 1], '3-4': [1, 1] }))).toBe(-1);
    expect(danglingEdge(graph, graphOf({ 4: 1 }, { '1-3': [1, 1], '3-5': [1, 1] }))).toBe(1);
    expect(danglingEdge(emptyGraph, graphOf({ 2: 1 }, { '1-2': [1, 1] }))).toBe(0);
  });
});
