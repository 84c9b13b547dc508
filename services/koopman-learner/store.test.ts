import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConfigError } from '../common/config/config.js';
import { addTally, tallyEvents, type Bin } from './domain/bins.js';
import { LearnerStore, type Axis, type SeriesEvent } from './store.js';

const axis: Axis = { widthsMs: [10, 100], capacity: 3 };
const afterAll = 1e12;

let folder: string;
let store: LearnerStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tori-bins-'));
  store = new LearnerStore(folder, axis);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function reopen(next = axis): Promise<void> {
  await store.close();
  store = new LearnerStore(folder, next);
}

function event(timeUnixMs: number, id: number, value: number, eventId?: string): SeriesEvent {
  const what = { timeUnixMs, ids: Uint32Array.of(id), values: Float32Array.of(value) };
  return eventId === undefined ? what : { ...what, eventId };
}

/** A place in the vault's log. */
const at = (sequence: number, log = 'log') => ({ log, sequence });

/** Everything stored of a tenant: bins by width. */
function contents(tenant: string): Map<number, Map<number, Bin | undefined>> {
  return new Map(
    store
      .resolutions(tenant, afterAll)
      .map(({ widthMs, bins }) => [
        widthMs,
        new Map(bins.map((bin) => [bin, store.bin(tenant, widthMs, bin)])),
      ]),
  );
}

describe('bins', () => {
  test('hold the newest of every width, in whatever batches and over whatever restarts the events came', async () => {
    const events = fc.array(
      fc.tuple(
        fc.integer({ min: -300, max: 300 }),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
      ),
      { maxLength: 30 },
    );
    let tenants = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 4 }), fc.boolean(), async (batches, restarts) => {
        const tenant = `t${++tenants}`;
        // In order of time nothing is ever late, so what was kept is what a single look at all events keeps.
        const ordered = batches.flat().sort(([a], [b]) => a - b);
        const sizes = batches.map((batch) => batch.length);
        let start = 0;
        for (const size of sizes) {
          const batch = ordered.slice(start, (start += size)).map((one) => event(...one));
          expect(await store.add(tenant, batch, at(start + 1))).toMatchObject({
            ignored: expect.any(Number),
          });
          if (restarts) await reopen();
        }
        const all = ordered.map((one) => event(...one));
        for (const [widthMs, bins] of contents(tenant)) {
          const tallies = [...tallyEvents(all, widthMs)].sort(([a], [b]) => a - b).slice(-axis.capacity);
          expect(bins).toEqual(new Map(tallies.map(([bin, tally]) => [bin, addTally(undefined, tally)])));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('that are still open are not shown', async () => {
    await store.add('a', [event(5, 1, 1), event(25, 1, 1), event(35, 1, 1)]);
    expect(store.resolutions('a', 39)[0]).toEqual({ widthMs: 10, bins: [0, 2], events: 2 });
    expect(store.resolutions('a', 40)[0]).toEqual({ widthMs: 10, bins: [0, 2, 3], events: 3 });
  });

  test('take a batch of the vault once, and nothing that is older than all they hold', async () => {
    expect(await store.add('a', [event(1000, 1, 1), event(1100, 1, 1)], at(2))).toMatchObject({
      accepted: 2,
      ignored: 0,
    });
    const before = contents('a');
    expect(await store.add('a', [event(1000, 1, 1), event(1100, 1, 1)], at(2))).toMatchObject({
      accepted: 0,
      ignored: 2,
    });
    expect(contents('a')).toEqual(before);
    const changes = store.changes('a');
    expect(await store.add('a', [], at(5))).toMatchObject({ accepted: 0, ignored: 0 });
    expect([store.cursor('a'), store.changes('a')]).toEqual([5, changes]);
    await store.add('a', [event(1200, 1, 1)], at(6));
    expect(await store.add('a', [event(10, 1, 1)], at(7))).toMatchObject({ accepted: 0, ignored: 1 });
  });

  test('take an event id once, also within a batch and after a restart', async () => {
    const twice = [event(1000, 1, 1, 'x'), event(1000, 1, 1, 'x')];
    expect(await store.add('a', twice)).toMatchObject({ accepted: 1, ignored: 1 });
    await reopen();
    expect(await store.add('a', twice)).toMatchObject({ accepted: 0, ignored: 2 });
    expect(await store.add('b', twice)).toMatchObject({ accepted: 1, ignored: 1 });
    expect(store.tenants()).toEqual(['a', 'b']);
  });
});

test('a log of the vault that took the place of a lost one is read from its start', async () => {
  await store.add('a', [event(1000, 1, 1)], at(9));
  expect([store.cursor('a', 'log'), store.cursor('a', 'other')]).toEqual([9, 0]);
  await reopen();
  expect(await store.add('a', [event(1001, 1, 1)], at(1, 'other'))).toMatchObject({ accepted: 1 });
  expect([store.cursor('a', 'log'), store.cursor('a', 'other'), store.cursor('a')]).toEqual([0, 1, 1]);
});

test('another axis starts over, with the cursors', async () => {
  await store.add('a', [event(1000, 1, 1)], at(9));
  store.keepBusCursor(at(9));
  await reopen();
  expect(store.busCursor()).toEqual(at(9));
  await reopen({ ...axis, capacity: 4 });
  expect([store.tenants(), store.cursor('a'), contents('a').get(10)!.size]).toEqual([[], 0, 0]);
  expect(store.busCursor()).toBeUndefined();
});

test('a folder that cannot be used is named', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => new LearnerStore(join(file, 'data'), axis)).toThrow(ConfigError);
  expect(() => new LearnerStore(join(file, 'data'), axis)).toThrow(/^DATA_DIR = ".*": cannot be used/);
});
