/**
 * The time axis. Episodes come at any moments; dynamic mode decomposition wants snapshots at equal steps. Time is cut into
 * bins of one width, aligned to the Unix epoch, and a snapshot is the sum of the activations of a bin.
 *
 * **Width.** Mail spans years, an agent's episodes seconds, so the learner keeps the newest bins at every width of
 * {@link binWidthsMs} and fits on the finest one that the data fill: see {@link chooseWidth}. A fixed width can be set.
 *
 * **Gaps.** A run of at most {@link longestSilence} empty bins is silence: zeros, which are part of a daily or weekly
 * rhythm. A longer gap says nothing about dynamics. It is left out: the series ends there and begins again after it, and
 * no step of the dynamics crosses it. A stretch of less than {@link shortestStretch} snapshots is left out too: it is a
 * stray event, such as a mail with a wrong date, or a beginning.
 */

/** Widths that the automatic choice knows, in milliseconds: 0.1 s, 1 s, 5 s, 15 s, 1, 5, 15 min, 1 h, 4 h, a day, a week. */
export const binWidthsMs: readonly number[] = [
  100, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000, 604_800_000,
];

/** Longest run of empty bins that counts as zeros. */
export const longestSilence = 16;

/** Fewest consecutive snapshots that tell anything of dynamics. */
export const shortestStretch = 8;
/** Fewest of them that hold events. */
const fewestOccupied = 4;

/** What is known of the newest bins at one width. */
export interface Resolution {
  readonly widthMs: number;
  /** Bins that hold at least one event, ascending: ⌊time / width⌋. */
  readonly bins: readonly number[];
  /** Events in them. */
  readonly events: number;
}

/** Index of the bin that a moment falls into. */
export function binOf(timeUnixMs: number, widthMs: number): number {
  return Math.floor(timeUnixMs / widthMs);
}

/**
 * The finest width whose bins hold enough events to be more than single episodes (2 on average, rising to 8 once there are
 * 512), and of whose bins most stand in stretches. The width in force stays while it holds at least half of that and at
 * most eight times as much, so that the axis does not flicker. When no width is filled, the coarsest that has a stretch;
 * undefined when none has.
 * @param resolutions finest first
 */
export function chooseWidth(resolutions: readonly Resolution[], currentMs?: number): Resolution | undefined {
  const usable = resolutions.filter(({ bins }) => stretchesOf(bins).length > 0);
  const current = usable.find(({ widthMs }) => widthMs === currentMs);
  if (current !== undefined && filling(current) >= 0.5 && filling(current) <= 8) return current;
  return usable.find((resolution) => filling(resolution) >= 1) ?? usable.at(-1);
}

/** Mean events per occupied bin as a share of what is wanted; 0 when over a quarter of the bins stands outside stretches. */
function filling({ bins, events }: Resolution): number {
  const inStretches = new Set(stretchesOf(bins).flat());
  if (bins.filter((bin) => inStretches.has(bin)).length < 0.75 * bins.length) return 0;
  const wanted = Math.min(8, Math.max(2, events / 64));
  return events / bins.length / wanted;
}

/**
 * The newest snapshots of a series as bin indices, ascending: occupied bins in stretches and the silent ones between them.
 * @param occupied ascending
 * @param capacity at most this many
 */
export function snapshotBins(occupied: readonly number[], capacity: number): number[] {
  return stretchesOf(occupied).flat().slice(-capacity);
}

/** Cuts a series at its gaps, leaves out what is too short or nearly empty, and fills silences. */
function stretchesOf(occupied: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (const bin of occupied) {
    const current = groups.at(-1);
    if (current === undefined || bin - current.at(-1)! > longestSilence + 1) groups.push([bin]);
    else current.push(bin);
  }
  return groups
    .filter((group) => group.length >= fewestOccupied && lengthOf(group) >= shortestStretch)
    .map((group) => Array.from({ length: lengthOf(group) }, (_, k) => group[0]! + k));
}

function lengthOf(group: readonly number[]): number {
  return group.at(-1)! - group[0]! + 1;
}

/** Indices k for which snapshot k+1 is one bin after snapshot k. */
export function stepsOf(bins: readonly number[]): number[] {
  return Array.from(bins.keys()).filter((k) => bins[k + 1] === bins[k]! + 1);
}

/** The newest stretch of snapshots without a gap. */
export function newestStretch(bins: readonly number[]): { first: number; length: number } {
  let first = bins.length - 1;
  while (first > 0 && bins[first - 1] === bins[first]! - 1) first -= 1;
  return { first, length: bins.length - first };
}
