import type { Clock, Timer } from './clock.js';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that moves only when it is told to. */
export class FakeClock implements Clock {
  #elapsed = 0;
  #wall: number;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  /** @param start wall time in milliseconds since the epoch */
  constructor(start = Date.UTC(2030, 0, 1)) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting = { at: this.#elapsed + Math.max(0, delayMs), order: this.#order++, run };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  /** Timers that have not run. */
  get timers(): number {
    return this.#waiting.size;
  }

  /** Moves the wall time alone, as NTP or a person would. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** Lets time pass: runs every timer that comes due, in order, and after each what it woke. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#moveTo(next.at);
      this.#waiting.delete(next);
      next.run();
      await settle();
    }
    this.#moveTo(end);
  }

  #moveTo(elapsed: number): void {
    if (elapsed <= this.#elapsed) return;
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.at > end) continue;
      if (
        first === undefined ||
        waiting.at < first.at ||
        (waiting.at === first.at && waiting.order < first.order)
      ) {
        first = waiting;
      }
    }
    return first;
  }
}

/** Resolves after everything that is ready to run has run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
