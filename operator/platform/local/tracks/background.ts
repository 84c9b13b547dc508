import type { Logger } from '../../../../services/common/logger.js';

/**
 * Work that takes longer than a reconcile may wait: at most one of each name at a time. Intents are levels, so a job that
 * failed is simply asked for again by the next reconcile.
 */
export class BackgroundJobs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Starts a job unless one of this name runs. A failure is logged, never thrown. */
  ensure(name: string, job: () => Promise<void>): void {
    if (this.#running.has(name)) return;
    const running = job()
      .catch((error: unknown) => this.#logger.warn({ job: name, err: error }, 'failed; it is tried again'))
      .finally(() => this.#running.delete(name));
    this.#running.set(name, running);
  }

  /** Waits until nothing runs. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}
