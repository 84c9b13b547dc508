import type { Logger } from '../../services/common/logger.js';

/**
 * Work that takes longer than a reconcile may wait: at most one of each name at a time. Intents are levels, so a job that
 * failed is simply asked for again by the next reconcile.
 */
export class BackgroundJobs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #logger: Logger;
  readonly #onEnd: (name: string, outcome: 'done' | 'failed') => void;

  /** @param onEnd told after each job: there may be something new to decide */
  constructor(logger: Logger, onEnd: (name: string, outcome: 'done' | 'failed') => void = () => undefined) {
    this.#logger = logger;
    this.#onEnd = onEnd;
  }

  /** Starts a job unless one of this name runs. A failure is logged, never thrown. */
  ensure(name: string, job: () => Promise<void>): void {
    if (this.#running.has(name)) return;
    this.#running.set(name, this.#run(name, job));
  }

  /** Nothing runs. */
  get idle(): boolean {
    return this.#running.size === 0;
  }

  /** Waits until nothing runs. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  async #run(name: string, job: () => Promise<void>): Promise<void> {
    let outcome: 'done' | 'failed' = 'done';
    try {
      await job();
    } catch (error) {
      outcome = 'failed';
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ job: name, reason }, 'failed; it is tried again');
    }
    this.#running.delete(name);
    this.#onEnd(name, outcome);
  }
}
