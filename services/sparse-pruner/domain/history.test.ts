import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chainOf,
  obsoleteVersions,
  planStorage,
  pruneIsDue,
  prunedSince,
  unprunedAfter,
  versionZero,
  type Change,
  type VersionRecord,
} from './history.js';

const deltas: Change = { kind: 'deltas', newEdgeAbove: 0 };
const prune = (threshold: number): Change => ({ kind: 'prune', threshold });
const record = (version: number, fields: Partial<VersionRecord>): VersionRecord => ({
  ...versionZero,
  version,
  parent: version - 1,
  change: deltas,
  whole: false,
  ...fields,
});

describe('history', () => {
  test('property: bytes written stay within twice the bytes of the changes and one graph', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 200 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1000, max: 50_000 }), (changes, graphBytes) => {
        let last = versionZero;
        let written = 0;
        let wholes = 0;
        for (const bytes of changes) {
          last = { ...last, ...planStorage(last, bytes, graphBytes) };
          written += last.whole ? graphBytes : bytes;
          wholes += last.whole ? 1 : 0;
          expect(last.chainBytes).toBeLessThan(graphBytes);
          expect(last.chainLength).toBeLessThanOrEqual(16);
        }
        expect(wholes).toBeGreaterThanOrEqual(Math.floor(changes.length / 17));
        const byLength = Math.ceil(changes.length / 17) * graphBytes;
        expect(written).toBeLessThanOrEqual(2 * changes.reduce((sum, bytes) => sum + bytes, 0) + byLength);
      }),
    );
  });

  test('a chain goes from the whole version below to the one asked for, along parents', () => {
    const records = [record(1, { whole: true }), record(2, {}), record(3, {}), record(4, { parent: 2 })];
    const find = (version: number) => records[version - 1]!;
    expect(chainOf(4, find).map(({ version }) => version)).toEqual([1, 2, 4]);
    expect(chainOf(1, find).map(({ version }) => version)).toEqual([1]);
    expect(chainOf(0, find)).toEqual([versionZero]);
    expect(chainOf(1, () => record(1, {})).map(({ version }) => version)).toEqual([0, 1]);
  });

  test('a version is obsolete when it is not kept and no kept one is replayed from it', () => {
    const records = [
      record(1, { whole: true }),
      record(2, { whole: true }),
      record(3, {}),
      record(4, {}),
      record(5, { parent: 3 }),
      record(6, { whole: true }),
    ];
    expect(obsoleteVersions(records, 5)).toEqual([1, 4]);
    expect(obsoleteVersions(records, 6)).toEqual([1, 2, 3, 4, 5]);
    expect(obsoleteVersions(records, 1)).toEqual([]);
  });

  test('the largest threshold since the base is what a rebased change has to exceed', () => {
    const records = [
      record(1, { change: prune(0.3) }),
      record(2, { change: prune(0.1) }),
      record(3, {}),
      record(4, { change: prune(0.05) }),
    ];
    expect(prunedSince(records, 0)).toBe(0.3);
    expect(prunedSince(records, 1)).toBe(0.1);
    expect(prunedSince(records, 2)).toBe(0.05);
    expect(prunedSince(records, 4)).toBe(0);
  });
});

describe('when a prune is due', () => {
  const grown = (commits: number) => record(9, { edges: 1, unpruned: { commits, sinceUnixMs: 1000 } });
  const schedule = { intervalMs: 60_000, afterCommits: 3 };

  test.each([
    ['enough sleeps', grown(3), schedule, 1000, true],
    ['too few sleeps, too early', grown(2), schedule, 60_999, false],
    ['one sleep that waited long enough', grown(1), schedule, 61_000, true],
    ['nothing came since the last prune', grown(0), schedule, 1e12, false],
    ['no edges', { ...grown(5), edges: 0 }, schedule, 1e12, false],
    ['never by time', grown(2), { intervalMs: 0, afterCommits: 3 }, 1e12, false],
    ['never by sleeps', grown(500), { intervalMs: 60_000, afterCommits: 0 }, 1000, false],
  ])('%s', (...[, head, when, now, expected]) => {
    expect(pruneIsDue(head, when, now)).toBe(expected);
  });

  test('deltas are counted from the first after a prune; a rollback brings its count back', () => {
    const one = record(1, { unpruned: unprunedAfter(deltas, versionZero, 500) });
    const two = record(2, { unpruned: unprunedAfter(deltas, one, 900) });
    expect(two.unpruned).toEqual({ commits: 2, sinceUnixMs: 500 });
    expect(unprunedAfter(prune(0.1), two, 950)).toEqual({ commits: 0, sinceUnixMs: 0 });
    expect(unprunedAfter({ kind: 'rollback' }, one, 990)).toEqual(one.unpruned);
  });
});
