import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  binOf,
  binWidthsMs,
  chooseWidth,
  longestSilence,
  newestStretch,
  shortestStretch,
  snapshotBins,
  stepsOf,
  type Resolution,
} from './time-axis.js';

const second = 1_000;
const day = 86_400_000;
const capacity = 256;

/** The newest bins at every width, as the store keeps them. */
function resolutionsOf(timesMs: readonly number[]): Resolution[] {
  return binWidthsMs.map((widthMs) => {
    const counts = new Map<number, number>();
    for (const time of timesMs) counts.set(binOf(time, widthMs), (counts.get(binOf(time, widthMs)) ?? 0) + 1);
    const bins = [...counts.keys()].sort((a, b) => a - b).slice(-capacity);
    return { widthMs, bins, events: bins.reduce((sum, bin) => sum + counts.get(bin)!, 0) };
  });
}

function every(stepMs: number, count: number, startMs = 0): number[] {
  return Array.from({ length: count }, (_, k) => startMs + k * stepMs);
}

describe('the automatic width', () => {
  const cases: [string, number[], number | undefined][] = [
    ['an agent: two episodes a second for a minute', every(second / 2, 120), second],
    ['an agent: five episodes a second for an hour', every(second / 5, 18_000), 5 * second],
    ['mail: 20 messages a day for a year', every(day / 20, 365 * 20), day],
    ['mail: one message in two days for ten years', every(2 * day, 1825), 7 * day],
    ['bursts of ten episodes within half a second, once a minute', burst(), 5 * second],
    ['two episodes', every(second, 2), undefined],
    ['all at one moment', every(0, 1000), undefined],
  ];
  function burst(): number[] {
    return every(60 * second, 500).flatMap((start) => every(50, 10, start));
  }
  test.each(cases)('suits %s', (_, times, widthMs) => {
    expect(chooseWidth(resolutionsOf(times))?.widthMs).toBe(widthMs);
  });

  test('turns to the live rhythm once enough of it is there', () => {
    const mail = every(day / 20, 365 * 20);
    const liveFor = (seconds: number) => every(second / 5, seconds * 5, 2e12);
    expect(chooseWidth(resolutionsOf([...mail, ...liveFor(60)]))?.widthMs).toBe(day);
    expect(chooseWidth(resolutionsOf([...mail, ...liveFor(1200)]))?.widthMs).toBe(5 * second);
  });

  test('stays while its bins are neither far too thin nor far too full', () => {
    const resolutions = resolutionsOf(every(second / 5, 18_000));
    expect(chooseWidth(resolutions, second)?.widthMs).toBe(second);
    expect(chooseWidth(resolutions, 5 * second)?.widthMs).toBe(5 * second);
    expect(chooseWidth(resolutions, 15 * second)?.widthMs).toBe(5 * second);
    expect(chooseWidth(resolutions, 100)?.widthMs).toBe(5 * second);
  });

  test('every width divides the next, so that bins can be added up', () => {
    binWidthsMs.forEach((width, k) => expect(k === 0 ? 0 : width % binWidthsMs[k - 1]!).toBe(0));
  });
});

describe('snapshots', () => {
  const stretch = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, k) => from + k);

  test('short silences are zeros, long ones end the series', () => {
    expect(snapshotBins([1, 3, 4, 8], 99)).toEqual(stretch(1, 8));
    const resumed = 8 + longestSilence + 2;
    const bins = snapshotBins([1, 2, 4, 8, resumed, ...stretch(resumed + 3, resumed + 7)], 99);
    expect(bins).toEqual([...stretch(1, 8), ...stretch(resumed, resumed + 7)]);
    expect(stepsOf(bins)).toEqual([...stretch(0, 6), ...stretch(8, 14)]);
    expect(newestStretch(bins)).toEqual({ first: 8, length: 8 });
    expect(snapshotBins([-2, -1, 0, longestSilence + 1], 99)).toHaveLength(longestSilence + 4);
    expect(snapshotBins([-1, 0, longestSilence + 1], 99)).toEqual([]);
  });

  test('leave stray events out', () => {
    const stray = 1000;
    expect(snapshotBins([-stray, ...stretch(1, 8), stray, stray + 1], 99)).toEqual(stretch(1, 8));
    expect(snapshotBins(stretch(1, shortestStretch - 1), 99)).toEqual([]);
  });

  test('are the newest, ascending, in stretches', () => {
    const occupied = fc.uniqueArray(fc.integer({ min: -50, max: 300 }));
    fc.assert(
      fc.property(occupied, fc.integer({ min: 16, max: 60 }), (raw, limit) => {
        const given = raw.sort((a, b) => a - b);
        const all = snapshotBins(given, Infinity);
        const bins = snapshotBins(given, limit);
        expect(bins).toEqual(all.slice(-limit));
        expect(bins).toEqual([...new Set(bins)].sort((a, b) => a - b));
        // Every stretch begins and ends with activity and is long enough.
        const ends = all.filter((bin) => !all.includes(bin + 1));
        const starts = all.filter((bin) => !all.includes(bin - 1));
        for (const bin of [...starts, ...ends]) expect(given).toContain(bin);
        starts.forEach((bin, k) => expect(ends[k]! - bin + 1).toBeGreaterThanOrEqual(shortestStretch));
      }),
    );
  });

  test('times before 1970 fall into bins like any others', () => {
    expect([binOf(-1, 1000), binOf(0, 1000), binOf(999, 1000)]).toEqual([-1, 0, 0]);
  });
});
