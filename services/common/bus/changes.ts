/** Wakes those who wait for the next change of something in this process. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Wakes everybody who waits now. */
  announce(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Resolves at the next announcement or when the signal is aborted; never rejects. Check the condition and call this
   * in one turn of the event loop, or an announcement in between is missed.
   */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
