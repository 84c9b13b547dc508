import type { Bin } from './bins.js';
import { SnapshotWindow } from './snapshot-window.js';

/** A window of dense snapshots and what its rows and columns stand for. */
export interface Series {
  readonly widthMs: number;
  /** n concept ids, ascending: the entries of a snapshot. */
  readonly concepts: Uint32Array;
  /** Bin index of each snapshot, ascending. */
  readonly bins: readonly number[];
  readonly window: SnapshotWindow;
}

/** The series that is wanted. */
export interface SeriesRequest {
  readonly widthMs: number;
  /** Bins of the snapshots, ascending; those that are not stored are silent: zeros. */
  readonly bins: readonly number[];
  /** Bins that changed since the former series was made. */
  readonly changed: ReadonlySet<number>;
  readonly capacity: number;
  /** Most entries of a snapshot. */
  readonly maxConcepts: number;
  readonly read: (bin: number) => Bin | undefined;
}

/** A former choice of concepts is kept while it holds this share of the activity that the best choice holds. */
const sufficientCoverage = 0.98;

/**
 * Makes the series of a request. The state holds the concepts that were most active over the window. When the former
 * series differs only by older bins and its concepts still cover the activity, its Gram matrix is carried on and only the
 * new bins are pushed; else the window is built anew. Yields between pushes.
 */
export function* updateSeries(former: Series | undefined, request: SeriesRequest): Generator<void, Series> {
  const contents = request.bins.map((bin) => request.read(bin));
  const best = mostActive(contents, request.maxConcepts);
  yield;
  const base =
    former !== undefined && continues(former, request) && covers(former.concepts, best, contents)
      ? former
      : emptySeries(request, best);
  const newest = base.bins.at(-1) ?? -Infinity;
  const rows = new Map(Array.from(base.concepts, (concept, row) => [concept, row]));
  for (const [k, bin] of request.bins.entries()) {
    if (bin <= newest) continue;
    base.window.push(denseSnapshot(contents[k], rows));
    yield;
  }
  return { ...base, bins: request.bins };
}

function emptySeries({ widthMs, capacity }: SeriesRequest, concepts: Uint32Array): Series {
  return { widthMs, concepts, bins: [], window: new SnapshotWindow(concepts.length, capacity) };
}

/** True when the former bins are unchanged and followed by the new ones. */
function continues(former: Series, { widthMs, bins, changed, capacity }: SeriesRequest): boolean {
  const newest = former.bins.at(-1) ?? -Infinity;
  if (former.widthMs !== widthMs || former.window.capacity !== capacity) return false;
  if (former.bins.some((bin) => changed.has(bin))) return false;
  const carriedOn = [...former.bins, ...bins.filter((bin) => bin > newest)].slice(-capacity);
  return carriedOn.length === bins.length && carriedOn.every((bin, k) => bin === bins[k]);
}

function activity(contents: readonly (Bin | undefined)[]): Map<number, number> {
  const totals = new Map<number, number>();
  for (const bin of contents) {
    bin?.ids.forEach((id, k) => totals.set(id, (totals.get(id) ?? 0) + bin.sums[k]!));
  }
  return totals;
}

function mostActive(contents: readonly (Bin | undefined)[], count: number): Uint32Array {
  const totals = [...activity(contents)].sort(([idA, a], [idB, b]) => b - a || idA - idB);
  return Uint32Array.from(totals.slice(0, count), ([id]) => id).sort();
}

function covers(kept: Uint32Array, best: Uint32Array, contents: readonly (Bin | undefined)[]): boolean {
  const totals = activity(contents);
  const held = (ids: Uint32Array) => ids.reduce((sum, id) => sum + (totals.get(id) ?? 0), 0);
  return held(kept) >= sufficientCoverage * held(best);
}

function denseSnapshot(bin: Bin | undefined, rows: ReadonlyMap<number, number>): Float64Array {
  const snapshot = new Float64Array(rows.size);
  bin?.ids.forEach((id, k) => {
    const row = rows.get(id);
    if (row !== undefined) snapshot[row] = bin.sums[k]!;
  });
  return snapshot;
}
