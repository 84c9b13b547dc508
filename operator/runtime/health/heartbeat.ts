import type { Clock } from '../clock/clock.js';

/** Something that can tell that it is stuck. Informers, controllers and heartbeats are such. */
export interface Living {
  /** Why it is to be taken for dead; undefined while it lives. */
  problem(): string | undefined;
}

/** A loop's sign of life. Nothing ticks: its age is looked at when a probe asks. */
export class Heartbeat implements Living {
  readonly #name: string;
  readonly #maxAgeMs: number;
  readonly #clock: Clock;
  #last: number;

  /** @param maxAgeMs the longest a living loop takes for one round, in milliseconds */
  constructor(name: string, maxAgeMs: number, clock: Clock) {
    this.#name = name;
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  /** Called by the loop once a round. */
  beat(): void {
    this.#last = this.#clock.monotonic();
  }

  problem(): string | undefined {
    const age = this.#clock.monotonic() - this.#last;
    return age <= this.#maxAgeMs ? undefined : `${this.#name}: no sign for ${Math.round(age / 1_000)} s`;
  }
}

/** The first problem of several; undefined when all live. The answer of a liveness probe. */
export function firstProblem(parts: Iterable<Living>): string | undefined {
  for (const part of parts) {
    const problem = part.problem();
    if (problem !== undefined) return problem;
  }
  return undefined;
}
