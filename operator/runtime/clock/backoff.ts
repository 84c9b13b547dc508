/** How long to wait between attempts. */
export interface BackoffPolicy {
  /** Longest wait after the first failure, in milliseconds. */
  readonly initialMs: number;
  /** Longest wait ever, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The wait after `failures` failures in a row (1 or more): uniform in the upper half of a bound that doubles, so that
 * many who failed together do not come back together, and none comes back at once ("equal jitter", Brooker 2015).
 * @param random uniform in [0, 1)
 * @returns milliseconds, in [bound / 2, bound)
 */
export function backoffMs(failures: number, policy: BackoffPolicy, random: () => number): number {
  const bound = Math.min(policy.maxMs, policy.initialMs * 2 ** Math.max(0, failures - 1));
  return (bound / 2) * (1 + random());
}
