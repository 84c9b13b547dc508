import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after a time or when the signal is aborted; never rejects. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/**
 * Waits until something wakes, but no longer than a time and not past the abortion of the signal.
 * @param wake begins to wait; resolves at what it waits for and when its own signal is aborted
 */
export async function rest(
  longestMs: number,
  signal: AbortSignal,
  wake: (until: AbortSignal) => Promise<void>,
): Promise<void> {
  if (signal.aborted) return;
  // Not AbortSignal.any: on a signal that lives as long as the process it keeps a record of every rest.
  const ended = new AbortController();
  const end = () => ended.abort();
  const timer = setTimeout(end, longestMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    await wake(ended.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
