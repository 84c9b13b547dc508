import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addTally, coarsenTallies, tallyEvents, type Bin } from './bins.js';
import { finish, range } from './series.fixture.js';
import { updateSeries, type Series, type SeriesRequest } from './series.js';

function binOfValues(values: Record<number, number>): Bin {
  const ids = Uint32Array.from(Object.keys(values), Number);
  return { events: 1, ids, sums: Float64Array.from(ids, (id) => values[id]!) };
}

/** Bins 0, 1, 2 …; an undefined entry is silence. */
function request(stored: readonly (Bin | undefined)[], options: Partial<SeriesRequest> = {}): SeriesRequest {
  return {
    widthMs: 1000,
    bins: range(stored.length),
    changed: new Set(),
    capacity: 8,
    maxConcepts: 10,
    read: (bin) => stored[bin],
    ...options,
  };
}

const snapshots = ({ window }: Series) => range(window.size).map((k) => [...window.snapshot(k)]);

describe('series', () => {
  const stored = [binOfValues({ 3: 1, 7: 2 }), undefined, binOfValues({ 7: 1, 9: 4 })];

  test('are dense snapshots over the concepts, with zeros for silence', () => {
    const series = finish(updateSeries(undefined, request(stored)));
    expect([...series.concepts]).toEqual([3, 7, 9]);
    expect(snapshots(series)).toEqual([
      [1, 2, 0],
      [0, 0, 0],
      [0, 1, 4],
    ]);
  });

  test('hold the most active concepts, the lower id first among equals', () => {
    const series = finish(
      updateSeries(undefined, request([binOfValues({ 1: 1, 2: 5, 3: 1 })], { maxConcepts: 2 })),
    );
    expect([...series.concepts]).toEqual([1, 2]);
  });

  test('are carried on by new bins, and made anew when an old bin changed or the concepts no longer cover', () => {
    const first = finish(updateSeries(undefined, request(stored)));
    const more = [...stored, binOfValues({ 3: 5 })];
    const second = finish(updateSeries(first, request(more)));
    expect(second.window).toBe(first.window);
    expect(snapshots(second)).toHaveLength(4);
    expect(finish(updateSeries(second, request(more, { changed: new Set([2]) }))).window).not.toBe(
      first.window,
    );
    const burst = [...more, binOfValues({ 50: 100 })];
    expect([...finish(updateSeries(second, request(burst))).concepts]).toEqual([3, 7, 9, 50]);
  });

  test('carried on or made anew, the Gram matrix is the same', () => {
    const entry = fc.dictionary(fc.integer({ min: 0, max: 5 }).map(String), fc.integer({ min: 1, max: 9 }));
    const series = fc.array(fc.option(entry.map(binOfValues), { nil: undefined }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 8 }), (bins, capacity) => {
        // Every concept is there from the start, so that the choice does not change.
        const all = [binOfValues({ 0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1 }), ...bins];
        let carried: Series | undefined;
        for (let end = 1; end <= all.length; end++) {
          const wanted = range(end).slice(-capacity);
          const options = { capacity, bins: wanted };
          carried = finish(updateSeries(carried, request(all, options)));
          const anew = finish(updateSeries(undefined, request(all, options)));
          const place = (concepts: Uint32Array, id: number) => concepts.indexOf(id);
          range(wanted.length).forEach((k) => {
            anew.concepts.forEach((id, row) =>
              expect(carried!.window.snapshot(k)[place(carried!.concepts, id)] ?? 0).toBe(
                anew.window.snapshot(k)[row],
              ),
            );
          });
          expect([...carried.window.gram().entries]).toEqual([...anew.window.gram().entries]);
        }
      }),
    );
  });
});

describe('bins', () => {
  test('added up at a fine width and coarsened are those of the coarse width', () => {
    const event = fc.record({
      timeUnixMs: fc.integer({ min: -5000, max: 5000 }),
      values: fc.dictionary(fc.integer({ min: 0, max: 5 }).map(String), fc.integer({ min: 1, max: 9 })),
    });
    fc.assert(
      fc.property(fc.array(event), (raw) => {
        const events = raw.map(({ timeUnixMs, values }) => {
          const { ids, sums } = binOfValues(values);
          return { timeUnixMs, ids, values: Float32Array.from(sums) };
        });
        expect(coarsenTallies(tallyEvents(events, 100), 10)).toEqual(tallyEvents(events, 1000));
      }),
    );
  });

  test('add up whatever the parts in which the events come', () => {
    const bin = binOfValues({ 1: 2, 4: 3 });
    const added = addTally(bin, {
      events: 2,
      sums: new Map([
        [4, 1],
        [0, 5],
      ]),
    });
    expect(added).toEqual({ events: 3, ids: Uint32Array.of(0, 1, 4), sums: Float64Array.of(5, 2, 4) });
    expect(addTally(undefined, { events: 1, sums: new Map([[2, 1]]) })).toEqual(binOfValues({ 2: 1 }));
  });
});
