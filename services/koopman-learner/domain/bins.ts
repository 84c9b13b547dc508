import { binOf } from './time-axis.js';

/** Activations at a moment. */
export interface TimedActivations {
  readonly timeUnixMs: number;
  readonly ids: Uint32Array;
  /** As long as `ids`. */
  readonly values: Float32Array;
}

/** What was active during one bin: sums over its events. */
export interface Bin {
  readonly events: number;
  /** Ascending. */
  readonly ids: Uint32Array;
  readonly sums: Float64Array;
}

/** A bin that is being added up. */
export interface Tally {
  events: number;
  readonly sums: Map<number, number>;
}

/** Adds events up by bin index. */
export function tallyEvents(events: readonly TimedActivations[], widthMs: number): Map<number, Tally> {
  const tallies = new Map<number, Tally>();
  for (const { timeUnixMs, ids, values } of events) {
    const { sums } = countInto(tallies, binOf(timeUnixMs, widthMs), 1);
    ids.forEach((id, k) => sums.set(id, (sums.get(id) ?? 0) + values[k]!));
  }
  return tallies;
}

/** Adds fine bins up to bins that are `ratio` times as wide; ratio is a whole number. */
export function coarsenTallies(fine: ReadonlyMap<number, Tally>, ratio: number): Map<number, Tally> {
  const tallies = new Map<number, Tally>();
  for (const [bin, { events, sums }] of fine) {
    const coarse = countInto(tallies, Math.floor(bin / ratio), events).sums;
    for (const [id, sum] of sums) coarse.set(id, (coarse.get(id) ?? 0) + sum);
  }
  return tallies;
}

function countInto(tallies: Map<number, Tally>, bin: number, events: number): Tally {
  const tally = tallies.get(bin) ?? { events: 0, sums: new Map<number, number>() };
  tally.events += events;
  tallies.set(bin, tally);
  return tally;
}

/** The bin with a tally added. */
export function addTally(bin: Bin | undefined, { events, sums }: Tally): Bin {
  const total = new Map(sums);
  bin?.ids.forEach((id, k) => total.set(id, (total.get(id) ?? 0) + bin.sums[k]!));
  const ids = Uint32Array.from(total.keys()).sort();
  return {
    events: (bin?.events ?? 0) + events,
    ids,
    sums: Float64Array.from(ids, (id) => total.get(id)!),
  };
}
