import type { Adjustment } from '../api/tuning-status.js';

/** Bounds of the history in status: it is stored in an object that must stay small. */
const mostAdjustments = 50;
const mostBytes = 16 * 1024;

/** Puts an adjustment at the end, or in the place of the one with its id, and drops the oldest past the bounds. */
export function recorded(history: readonly Adjustment[], adjustment: Adjustment): Adjustment[] {
  const known = history.some(({ id }) => id === adjustment.id);
  const all = known
    ? history.map((entry) => (entry.id === adjustment.id ? adjustment : entry))
    : [...history, adjustment];
  const sizes = all.map((entry) => Buffer.byteLength(JSON.stringify(entry)) + 1);
  let first = Math.max(0, all.length - mostAdjustments);
  let bytes = sizes.slice(first).reduce((sum, size) => sum + size, 0);
  for (; bytes > mostBytes && first < all.length - 1; first++) bytes -= sizes[first]!;
  return all.slice(first);
}
