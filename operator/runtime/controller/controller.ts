import { setMaxListeners } from 'node:events';
import type { Logger } from '../../../services/common/logger.js';
import { ApiError, isConflict } from '../client/errors.js';
import type { BackoffPolicy } from '../clock/backoff.js';
import { systemClock, type Clock } from '../clock/clock.js';
import { Deadlines } from '../clock/deadlines.js';
import type { RuntimeMetrics } from '../metrics.js';
import { WorkQueue } from '../queue/work-queue.js';
import { runWorkers } from '../queue/workers.js';

/** What a reconcile leaves to do. */
export interface ReconcileResult {
  /** Look again after so many milliseconds even if nothing changes. Replaces what an earlier reconcile asked for. */
  readonly requeueAfterMs?: number | undefined;
}

/** What a controller is made of. */
export interface ControllerOptions {
  readonly name: string;
  /**
   * Brings the world one step closer to what the key's object wants. Never called for two of the same key at once.
   * @param signal aborts when the controller stops or the reconcile takes too long
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
  readonly logger: Pick<Logger, 'debug' | 'warn' | 'error'>;
  readonly metrics: RuntimeMetrics;
  /** Keys worked on at once. Default 4. */
  readonly workers?: number;
  /** The longest a reconcile may take, in milliseconds. Default two minutes. */
  readonly timeoutMs?: number;
  readonly backoff?: BackoffPolicy;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const defaultTimeoutMs = 120_000;

/** Reconciles keys that are added, again after failures with growing patience, and again when a reconcile asks for it. */
export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  /** Apart from the queue's own: a new answer replaces the old one, whatever others asked for. */
  readonly #requeues: Deadlines;
  readonly #timeoutMs: number;

  constructor(options: ControllerOptions) {
    const { name, metrics, backoff } = options;
    this.name = name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#queue = new WorkQueue({
      name,
      clock: this.#clock,
      random: options.random ?? Math.random,
      metrics: metrics.queue,
      ...(backoff === undefined ? {} : { backoff }),
    });
    this.#requeues = new Deadlines(this.#clock, (key) => this.#queue.add(key));
  }

  /** Asks for a reconcile of the key. */
  add(key: string): void {
    this.#queue.add(key);
  }

  /** Asks for a reconcile of the key after `delayMs`, or earlier if an earlier one was asked for. */
  addAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Nothing waits and nothing is under way. Requeues of later do not count. */
  get idle(): boolean {
    return this.#queue.depth === 0 && this.#queue.working === 0;
  }

  /** Why the controller is to be taken for dead; undefined while it lives. For liveness probes. */
  problem(): string | undefined {
    const { longestSeconds } = this.#queue.state();
    return longestSeconds * 1_000 <= 2 * this.#timeoutMs
      ? undefined
      : `controller ${this.name}: a reconcile has taken ${Math.round(longestSeconds)} s`;
  }

  /** Works until the signal aborts; resolves when the reconciles under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    await runWorkers({
      queue: this.#queue,
      workers: this.#options.workers ?? 4,
      work: (key) => this.#work(key, signal),
      signal,
    });
    this.#queue.clear();
    this.#requeues.clear();
  }

  async #work(key: string, signal: AbortSignal): Promise<void> {
    this.#requeues.delete(key);
    const limit = this.#limited(signal);
    const { metrics } = this.#options;
    const begun = this.#clock.monotonic();
    try {
      const result = await this.#options.reconcile(key, limit.signal);
      this.#queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.#requeues.set(key, result.requeueAfterMs);
      this.#count(result?.requeueAfterMs === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error);
    } finally {
      limit.end();
      const seconds = (this.#clock.monotonic() - begun) / 1_000;
      metrics.reconcileSeconds.observe({ controller: this.name }, seconds);
    }
  }

  #failed(key: string, error: unknown): void {
    const { logger } = this.#options;
    const context = { controller: this.name, key, err: error, failures: this.#queue.failures(key) + 1 };
    this.#count('error');
    this.#options.metrics.errors.inc({ controller: this.name });
    if (isProgrammingError(error)) {
      this.#options.metrics.panics.inc({ controller: this.name });
      logger.error(context, 'a reconcile failed by a mistake in the program');
    } else if (isConflict(error)) {
      logger.debug(context, 'somebody else wrote first; the reconcile is done again');
    } else {
      logger.warn(context, 'a reconcile failed and is done again');
    }
    this.#queue.retry(key, error instanceof ApiError ? error.retryAfterMs : undefined);
  }

  #count(result: 'success' | 'requeue_after' | 'error'): void {
    this.#options.metrics.reconciles.inc({ controller: this.name, result });
  }

  #limited(outer: AbortSignal): { signal: AbortSignal; end: () => void } {
    const controller = new AbortController();
    // A reconcile makes many requests at once, and each listens.
    setMaxListeners(0, controller.signal);
    const stop = () => controller.abort(outer.reason);
    outer.addEventListener('abort', stop, { once: true });
    const timer = this.#clock.after(this.#timeoutMs, () =>
      controller.abort(new Error(`the reconcile took longer than ${this.#timeoutMs / 1_000} s`)),
    );
    const end = () => {
      timer.cancel();
      outer.removeEventListener('abort', stop);
    };
    return { signal: controller.signal, end };
  }
}

/** What Go would call a panic: no failure of the world, but one of the code. */
function isProgrammingError(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    !(error instanceof Error)
  );
}
