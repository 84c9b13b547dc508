import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allocateGraph } from './graph.js';
import { firstRepeated, sortGraph } from './order.js';

const u32 = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0x10000));

describe('order of nodes and edges', () => {
  test('property: rows are sorted by (a, b) and stay together', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(u32, u32), { maxLength: 60 }), (pairs) => {
        const graph = allocateGraph(pairs.length, pairs.length);
        pairs.forEach(([a, b], k) => {
          graph.nodeIds[k] = b;
          graph.edgeA[k] = a;
          graph.edgeB[k] = b;
          graph.nodeCounts[k] = graph.edgeWeights[k] = graph.edgeSupport[k] = k;
        });
        const sorted = sortGraph(graph);
        const byA = pairs
          .map(([a, b], k) => [a, b, k])
          .sort(([a, b, k], [c, d, l]) => a! - c! || b! - d! || k! - l!);
        const byB = pairs.map(([, b], k) => [b, k]).sort(([b, k], [d, l]) => b! - d! || k! - l!);
        expect(Array.from(sorted.edgeA, (a, k) => [a, sorted.edgeB[k], sorted.edgeWeights[k]])).toEqual(byA);
        expect([...sorted.edgeSupport]).toEqual([...sorted.edgeWeights]);
        expect(Array.from(sorted.nodeIds, (id, k) => [id, sorted.nodeCounts[k]])).toEqual(byB);
      }),
    );
  });

  test('what is in order is not copied', () => {
    const graph = allocateGraph(2, 2);
    graph.nodeIds.set([1, 2]);
    graph.edgeA.set([1, 1]);
    graph.edgeB.set([2, 3]);
    expect(sortGraph(graph).edgeWeights).toBe(graph.edgeWeights);
  });

  test('finds what appears twice', () => {
    expect(firstRepeated([Uint32Array.of(1, 2, 2)])).toBe(2);
    expect(firstRepeated([Uint32Array.of(1, 1, 2), Uint32Array.of(1, 2, 2)])).toBe(-1);
    expect(firstRepeated([Uint32Array.of(1, 1), Uint32Array.of(4, 4)])).toBe(1);
    expect(firstRepeated([new Uint32Array(0)])).toBe(-1);
  });
});
