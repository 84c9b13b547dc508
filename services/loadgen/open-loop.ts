/** Time as the generator sees it. */
export interface Clock {
  /** Milliseconds, monotone. */
  now(): number;
  /** Resolves after some milliseconds; early when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** An open-loop load. */
export interface OpenLoop {
  /** Requests a second that fall due, whether or not earlier ones were answered. */
  readonly rate: number;
  /** Requests under way at most. */
  readonly workers: number;
  readonly durationMs: number;
  /** Sends the k-th request. It may fail; the loop goes on. */
  readonly send: (k: number) => Promise<void>;
  /**
   * Called after each request.
   * @param latencyMs from the moment at which it was due, so a stalled server is charged for the requests that waited in
   *   line (Tene, "How NOT to Measure Latency": no coordinated omission)
   * @param error why it failed; undefined when it was acknowledged
   */
  readonly onDone: (k: number, latencyMs: number, error: unknown) => void;
}

/** Runs a load to its end, or until the signal aborts: requests that are under way are then waited for. */
export async function runOpenLoop(
  { rate, workers, durationMs, send, onDone }: OpenLoop,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = clock.now();
  const total = Math.ceil((rate * durationMs) / 1000);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let k = next++; k < total; k = next++) {
      const dueAt = startedAt + (1000 * k) / rate;
      if (dueAt > clock.now()) await clock.sleep(dueAt - clock.now(), signal);
      if (signal.aborted) return;
      const error = await send(k).then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('failed'),
      );
      onDone(k, clock.now() - dueAt, error);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
