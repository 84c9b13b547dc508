import type { Logger } from '../logger.js';

/** Logs why something is interrupted: a reason once, not at every attempt, until it has gone well in between. */
export class Interruptions {
  readonly #logger: Logger;
  readonly #message: string;
  #told = '';

  constructor(logger: Logger, message: string) {
    this.#logger = logger;
    this.#message = message;
  }

  tell({ message: reason }: Error): void {
    if (reason === this.#told) return;
    this.#told = reason;
    this.#logger.warn({ reason }, this.#message);
  }

  over(): void {
    this.#told = '';
  }
}
