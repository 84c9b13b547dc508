import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dot } from './dot.js';
import { SnapshotWindow } from './snapshot-window.js';

describe('SnapshotWindow', () => {
  test('holds the newest snapshots and their inner products, however far it slid', () => {
    const vector = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(vector, { maxLength: 20 }), fc.integer({ min: 1, max: 6 }), (series, capacity) => {
        const snapshots = series.map((entries) => Float64Array.from(entries));
        const window = new SnapshotWindow(5, capacity);
        for (const snapshot of snapshots) window.push(snapshot);
        const kept = snapshots.slice(-capacity);
        expect(Array.from(kept.keys(), (k) => [...window.snapshot(k)])).toEqual(kept.map((x) => [...x]));
        const { size, entries } = window.gram();
        expect(size).toBe(kept.length);
        expect([...entries]).toEqual(kept.flatMap((x) => kept.map((y) => dot(x, y))));
      }),
    );
  });

  test('refuses a snapshot of another length or with an entry that is not finite', () => {
    const window = new SnapshotWindow(2, 3);
    expect(() => window.push(Float64Array.of(1))).toThrow('1 entries; expected 2');
    expect(() => window.push(Float64Array.of(1, Number.NaN))).toThrow('not a finite number');
    expect(window.size).toBe(0);
  });
});
