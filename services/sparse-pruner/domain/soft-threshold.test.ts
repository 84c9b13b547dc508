import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyGraph, contentOf, graphOf } from '../../../test/samples/graphs.js';
import { forecastPrune, softThreshold } from './soft-threshold.js';

const tau = fc.double({ min: 0, max: 1.2, noNaN: true });

describe('soft threshold', () => {
  test('property: equals sign(w) max(|w| - tau, 0), and removes what becomes 0 with its support', () => {
    fc.assert(
      fc.property(anyGraph, tau, (graph, threshold) => {
        const before = contentOf(graph);
        const closedForm = Object.entries(before.edges)
          .map(([ends, [w, support]]) => {
            const weight = Math.fround(Math.sign(w) * Math.max(Math.abs(w) - threshold, 0));
            return [ends, [weight, support]] as const;
          })
          .filter(([, [weight]]) => weight !== 0);
        const pruned = contentOf(softThreshold(graph, threshold));
        expect(pruned).toEqual({ nodes: before.nodes, edges: Object.fromEntries(closedForm) });
        expect(contentOf(graph)).toEqual(before);
      }),
    );
  });

  test('property: a forecast tells what a prune leaves, and its examples are the heaviest that go', () => {
    fc.assert(
      fc.property(anyGraph, tau, fc.nat(12), (graph, threshold, examples) => {
        const { edgesAfter, heaviest } = forecastPrune(graph, threshold, examples);
        expect(edgesAfter).toBe(softThreshold(graph, threshold).edgeA.length);
        const going = [...graph.edgeWeights.keys()]
          .filter((k) => Math.abs(graph.edgeWeights[k]!) <= threshold)
          .sort((i, j) => Math.abs(graph.edgeWeights[j]!) - Math.abs(graph.edgeWeights[i]!) || i - j);
        expect([...heaviest]).toEqual(going.slice(0, examples));
      }),
    );
  });

  test('equal weights are listed in order of their ends', () => {
    const graph = graphOf({ 1: 1, 2: 1, 3: 1 }, { '2-3': [-1, 1], '1-3': [1, 1], '1-2': [0.5, 1] });
    expect([...forecastPrune(graph, 1, 1).heaviest]).toEqual([1]);
    expect([...forecastPrune(graph, 1, 3).heaviest]).toEqual([1, 2, 0]);
  });

  test('a weight exactly at the threshold goes', () => {
    const graph = graphOf({ 1: 1, 2: 1, 3: 1 }, { '1-2': [0.25, 3], '2-3': [-0.75, 1] });
    expect(contentOf(softThreshold(graph, 0.25)).edges).toEqual({ '2-3': [-0.5, 1] });
  });
});
