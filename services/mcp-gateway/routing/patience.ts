import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '../../common/errors.js';

/** How long a call waits for a service that restarts, counted from its first failure. */
const patienceMs = 10_000;
const firstDelayMs = 100;
const longestDelayMs = 1_000;

/** What a patient call depends on. */
export interface Patience {
  /** Milliseconds, monotone. */
  readonly now: () => number;
  /** Runs before each further attempt: what made the last one fail may be in the shard table by now. */
  readonly refresh: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Runs an operation that is safe to repeat until it neither meets an unreachable service nor is cut off by one that shuts
 * down; gives up after ten seconds of failures with the last of them.
 */
export async function patiently<T>(operation: () => Promise<T>, patience: Patience): Promise<T> {
  let deadline: number | undefined;
  for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, longestDelayMs)) {
    try {
      return await operation();
    } catch (thrown) {
      const error = ServiceError.from(thrown);
      deadline ??= patience.now() + patienceMs;
      if (!isTransient(error, patience.signal) || patience.now() + delay > deadline) throw error;
    }
    await sleep(delay, undefined, { signal: patience.signal });
    await patience.refresh();
  }
}

/** CANCELLED that the caller did not ask for comes from a server that is shutting down. */
export function isTransient(error: ServiceError, signal: AbortSignal): boolean {
  if (signal.aborted) return false;
  return error.code === 'UNAVAILABLE' || error.code === 'CANCELLED';
}
