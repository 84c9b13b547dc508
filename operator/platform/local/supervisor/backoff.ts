/** How a process that keeps dying is slowed down. */
export interface RestartPolicy {
  /** Delay before the first restart, in milliseconds. */
  readonly initialMs: number;
  readonly maximumMs: number;
  /** A process that lived this long starts again at the initial delay. */
  readonly resetAfterMs: number;
}

export const defaultRestartPolicy: RestartPolicy = {
  initialMs: 200,
  maximumMs: 30_000,
  resetAfterMs: 60_000,
};

/** What the supervisor remembers of a process's deaths. */
export interface RestartHistory {
  /** Deaths in a row, each before `resetAfterMs` of life. */
  readonly deaths: number;
  /** Do not start before this time, in milliseconds since the epoch. */
  readonly notBefore: number;
}

export const noDeaths: RestartHistory = { deaths: 0, notBefore: 0 };

/**
 * The history after one more death: the delay doubles with every death in a row, up to the maximum. The first restart
 * of a process that had been healthy is quick, because a single crash is no reason to keep people waiting.
 */
export function afterDeath(
  history: RestartHistory,
  livedMs: number,
  now: number,
  policy: RestartPolicy = defaultRestartPolicy,
): RestartHistory {
  const deaths = livedMs >= policy.resetAfterMs ? 1 : history.deaths + 1;
  const delay = Math.min(policy.maximumMs, policy.initialMs * 2 ** (deaths - 1));
  return { deaths, notBefore: now + delay };
}
