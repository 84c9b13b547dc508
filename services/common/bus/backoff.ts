/** How long to wait between attempts. */
export interface BackoffPolicy {
  /** Longest wait after the first failure, in milliseconds. */
  readonly initialMs: number;
  /** Longest wait ever, in milliseconds. */
  readonly maxMs: number;
}

/** Quick after a restart of the peer, gentle on a peer that stays away. */
export const reconnectBackoff: BackoffPolicy = { initialMs: 100, maxMs: 5_000 };

/**
 * Delay before attempt `failures` + 1: uniform in the upper half of a bound that doubles, so that many subscribers do
 * not come back at once and none comes back immediately ("equal jitter", Brooker 2015).
 * @param random uniform in [0, 1)
 */
export function backoffMs(failures: number, random: () => number, policy = reconnectBackoff): number {
  const bound = Math.min(policy.maxMs, policy.initialMs * 2 ** Math.max(0, failures - 1));
  return (bound / 2) * (1 + random());
}
