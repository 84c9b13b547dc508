/** How long samples are kept, and how finely. Both sources of samples follow it, so that the rules see the same. */

/** Every sample is kept for so long, and back to where five minutes began, … */
export const recentMs = 3_600_000;
/** … and then the last one of every five minutes, at the end of which it is told, … */
export const bucketMs = 5 * 60_000;
/** … for so long. */
export const longMs = 8 * 24 * 3_600_000;

/** The instant up to which samples are down-sampled and after which all of them are there. */
export function seamAt(now: number): number {
  return bucketStart(now - recentMs);
}

/** The newest multiple of five minutes that is not after an instant. */
export function bucketStart(instant: number): number {
  return Math.floor(instant / bucketMs) * bucketMs;
}

/** The end of the five minutes that an instant is in; the end counts, the start does not, as in Prometheus. */
export function bucketEnd(instant: number): number {
  return Math.ceil(instant / bucketMs) * bucketMs;
}
