import { backoffMs, type BackoffPolicy } from '../clock/backoff.js';
import type { Clock } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import type { QueueMetrics, QueueState } from '../metrics.js';

/** What a queue is made of. */
export interface WorkQueueOptions {
  /** Label of its metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly backoff?: BackoffPolicy;
  readonly metrics: QueueMetrics;
}

/** As client-go's, less eager at its quick end: a reconcile that failed because of a conflict is soon done again. */
export const defaultQueueBackoff: BackoffPolicy = { initialMs: 20, maxMs: 300_000 };

/**
 * Keys that somebody should look at. A key waits at most once however often it is added; while it is worked on it waits
 * for that work to be done, so no two workers ever have the same key, and an addition during the work is not lost.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #backoff: BackoffPolicy;
  readonly #later: Deadlines;
  readonly #failures = new Map<string, number>();
  /** When keys that wait were added. */
  readonly #waiting = new Map<string, number>();
  /** When keys in work were taken. */
  readonly #working = new Map<string, number>();
  /** When keys in work were added again. */
  readonly #again = new Map<string, number>();
  #order: string[] = [];
  #head = 0;
  #onWork: () => void = () => undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? defaultQueueBackoff;
    this.#later = new Deadlines(options.clock, (key) => this.add(key));
    options.metrics.watch(options.name, () => this.state());
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys that are being worked on. */
  get working(): number {
    return this.#working.size;
  }

  /** Failures in a row of a key. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Calls back when there may be work to take. One listener. */
  onWork(listener: () => void): void {
    this.#onWork = listener;
  }

  /** Asks for a look at the key, as soon as a worker is free. */
  add(key: string): void {
    const { clock, metrics, name } = this.#options;
    if (this.#waiting.has(key) || this.#again.has(key)) return;
    metrics.adds.inc({ name });
    if (this.#working.has(key)) {
      this.#again.set(key, clock.monotonic());
      return;
    }
    this.#enqueue(key, clock.monotonic());
  }

  /** Asks for a look after `delayMs`, or earlier if an earlier one was asked for. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const asked = this.#later.at(key);
    if (asked !== undefined && asked <= this.#options.clock.monotonic() + delayMs) return;
    this.#later.set(key, delayMs);
  }

  /**
   * Asks for another look after a failure, after a wait that grows with the failures in a row.
   * @param atLeastMs what the failure asked for, such as a server's Retry-After
   */
  retry(key: string, atLeastMs = 0): void {
    const { metrics, name, random } = this.#options;
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    metrics.retries.inc({ name });
    this.addAfter(key, Math.max(atLeastMs, backoffMs(failures, this.#backoff, random)));
  }

  /** Forgets the failures of a key; call it after success. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The key that waited longest; the caller works on it and calls {@link done}. Undefined when none waits. */
  take(): string | undefined {
    const key = this.#order[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#order.length || this.#head > 1_024) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
    const { clock, metrics, name } = this.#options;
    const now = clock.monotonic();
    metrics.waitSeconds.observe({ name }, (now - (this.#waiting.get(key) ?? now)) / 1_000);
    this.#waiting.delete(key);
    this.#working.set(key, now);
    return key;
  }

  /** The work on a key has ended. If it was added meanwhile it waits again. */
  done(key: string): void {
    const { clock, metrics, name } = this.#options;
    const taken = this.#working.get(key);
    if (taken === undefined) return;
    this.#working.delete(key);
    metrics.workSeconds.observe({ name }, (clock.monotonic() - taken) / 1_000);
    const added = this.#again.get(key);
    if (added === undefined) return;
    this.#again.delete(key);
    this.#enqueue(key, added);
  }

  /** Drops everything that waits. Work under way is not touched. */
  clear(): void {
    this.#later.clear();
    this.#waiting.clear();
    this.#again.clear();
    this.#failures.clear();
    this.#order = [];
    this.#head = 0;
  }

  /** Depth and ages, for metrics and liveness. */
  state(): QueueState {
    const now = this.#options.clock.monotonic();
    const ages = [...this.#working.values()].map((taken) => (now - taken) / 1_000);
    return {
      depth: this.#waiting.size,
      unfinishedSeconds: ages.reduce((sum, age) => sum + age, 0),
      longestSeconds: ages.reduce((longest, age) => Math.max(longest, age), 0),
    };
  }

  #enqueue(key: string, added: number): void {
    this.#waiting.set(key, added);
    this.#order.push(key);
    this.#onWork();
  }
}
