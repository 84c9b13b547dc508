/** A callback that waits for its time. */
export interface Timer {
  /** Does nothing when the callback already ran. */
  cancel(): void;
}

/** Where time comes from. Injected everywhere, so that tests do not wait. */
export interface Clock {
  /** Wall time in milliseconds since the epoch; it can jump. For what other machines read. */
  now(): number;
  /** Milliseconds since some fixed moment; it never jumps. For everything that is measured. */
  monotonic(): number;
  /** Calls back once, after at least `delayMs`. */
  after(delayMs: number, run: () => void): Timer;
}

/** The longest delay that setTimeout keeps; a longer one would fire at once. */
export const longestDelayMs = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), longestDelayMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs`, or at once when the signal aborts. Never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(delayMs, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}
