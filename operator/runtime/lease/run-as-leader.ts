import { setMaxListeners } from 'node:events';
import type { Logger } from '../../../services/common/logger.js';
import type { ApiClient } from '../client/api-client.js';
import { pause, systemClock, type Clock } from '../clock/clock.js';
import type { Heartbeat } from '../health/heartbeat.js';
import type { RuntimeMetrics } from '../metrics.js';
import { Candidate } from './candidate.js';

/** How long leaders are believed and how often they are heard. As in client-go: 15 s, 10 s, 2 s. */
export interface LeaseTiming {
  /** Others take over when the lease has not changed for so long. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long stops; less than `leaseMs`, so that it has stopped when others begin. */
  readonly renewDeadlineMs: number;
  /** Between tries; a lease that was renewed is left alone for twice as long. */
  readonly retryMs: number;
}

export const defaultLeaseTiming: LeaseTiming = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

/** What an election needs. */
export interface LeaderOptions {
  readonly client: Pick<ApiClient, 'find' | 'create' | 'update'>;
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other, not even of one that ran in the same pod before: pod name and a random part. */
  readonly identity: string;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Aborting it ends the candidacy, or the leadership in good order. */
  readonly signal: AbortSignal;
  readonly metrics: RuntimeMetrics;
  readonly timing?: LeaseTiming;
  /** Beats at every try. */
  readonly heartbeat?: Heartbeat;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** The lease could not be renewed in time, or somebody else has it. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/**
 * Waits until this process holds the lease, then leads. When `lead` ends, or the signal aborts and `lead` has ended, the
 * lease is given away. When the lease is lost, the signal given to `lead` aborts with a LeadershipLostError before anybody
 * else can lead.
 * @returns `stopped` in good order, `lost` when the lease was lost: best end the process, or run again
 * @throws what `lead` throws, after the lease is given away
 */
export async function runAsLeader(
  options: LeaderOptions,
  lead: (signal: AbortSignal, confirm: () => void) => Promise<void>,
): Promise<'stopped' | 'lost'> {
  return new Election(options).run(lead);
}

class Election {
  readonly #options: LeaderOptions;
  readonly #clock: Clock;
  readonly #timing: LeaseTiming;
  readonly #candidate: Candidate;
  /** On the monotonic clock: until then nobody else leads. */
  #validUntil = -Infinity;

  constructor(options: LeaderOptions) {
    const { client, namespace, name, identity } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timing = options.timing ?? defaultLeaseTiming;
    if (
      this.#timing.renewDeadlineMs >= this.#timing.leaseMs ||
      2 * this.#timing.retryMs >= this.#timing.renewDeadlineMs
    ) {
      throw new RangeError('lease timing: 2 retryMs < renewDeadlineMs < leaseMs must hold');
    }
    this.#candidate = new Candidate({
      client,
      lease: { namespace, name },
      identity,
      leaseMs: this.#timing.leaseMs,
      clock: this.#clock,
    });
  }

  async run(lead: (signal: AbortSignal, confirm: () => void) => Promise<void>): Promise<'stopped' | 'lost'> {
    const { signal, logger, metrics, name, identity } = this.#options;
    metrics.leader.set({ name }, 0);
    if (!(await this.#acquire())) return 'stopped';
    logger.info({ lease: name, identity }, 'leading');
    metrics.leader.set({ name }, 1);
    const leading = new AbortController();
    setMaxListeners(0, leading.signal);
    const stop = () => leading.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const ended = new AbortController();
    const work = lead(leading.signal, () => this.#confirm()).finally(() => ended.abort());
    // Its failure is told below, after the lease is given away.
    work.catch(() => undefined);
    try {
      const kept = await this.#renew(ended.signal);
      if (!kept) leading.abort(new LeadershipLostError(`lease ${name}: not renewed in time`));
      metrics.leader.set({ name }, 0);
      if (!kept) logger.warn({ lease: name, identity, holder: this.#candidate.holder }, 'leadership is lost');
      await work;
      return kept ? 'stopped' : 'lost';
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#release();
    }
  }

  /** @returns false when the signal aborted first */
  async #acquire(): Promise<boolean> {
    const { signal, random } = this.#options;
    while (!signal.aborted) {
      if (await this.#try(this.#clock.monotonic() + this.#timing.renewDeadlineMs)) return true;
      const jitter = 1 + (random ?? Math.random)();
      await pause(this.#clock, this.#timing.retryMs * jitter, signal);
    }
    return false;
  }

  /**
   * Renews until the work has ended; also while it ends, because what it still does is done as the leader.
   * @returns false when the lease was lost
   */
  async #renew(ended: AbortSignal): Promise<boolean> {
    const { retryMs } = this.#timing;
    for (let renewed = true; ;) {
      await pause(this.#clock, renewed ? 2 * retryMs : retryMs, ended);
      if (ended.aborted) return true;
      // A process that was stopped for a while must not believe that it still leads.
      if (this.#clock.monotonic() >= this.#validUntil) return false;
      renewed = await this.#try(this.#validUntil);
      if (!renewed && this.#isTaken()) return false;
    }
  }

  /** @throws LeadershipLostError when the lease may be another's by now */
  #confirm(): void {
    if (this.#clock.monotonic() < this.#validUntil) return;
    throw new LeadershipLostError(`lease ${this.#options.name}: not renewed in time`);
  }

  #isTaken(): boolean {
    const { holder } = this.#candidate;
    return (
      (holder !== '' && holder !== this.#options.identity) || this.#clock.monotonic() >= this.#validUntil
    );
  }

  /** How long the lease may take to answer: a request that hangs must leave time for another one, as in controller-runtime. */
  get #patienceMs(): number {
    return this.#timing.renewDeadlineMs / 4;
  }

  /** One try, cut off at `deadline`. What we may believe counts from before the request was sent. */
  async #try(deadline: number): Promise<boolean> {
    const { heartbeat, logger, name } = this.#options;
    heartbeat?.beat();
    const sent = this.#clock.monotonic();
    const limit = new AbortController();
    const patienceMs = Math.min(deadline - sent, this.#patienceMs);
    const timer = this.#clock.after(patienceMs, () =>
      limit.abort(new Error('the lease did not answer in time')),
    );
    try {
      const acquired = await this.#candidate.acquireOrRenew(limit.signal);
      if (acquired) this.#validUntil = sent + this.#timing.renewDeadlineMs;
      return acquired;
    } catch (error) {
      logger.warn({ lease: name, err: error }, 'the lease could not be acquired or renewed');
      return false;
    } finally {
      timer.cancel();
    }
  }

  async #release(): Promise<void> {
    const { logger, name } = this.#options;
    const limit = new AbortController();
    const timer = this.#clock.after(this.#patienceMs, () =>
      limit.abort(new Error('the lease did not answer in time')),
    );
    try {
      await this.#candidate.release(limit.signal);
    } catch (error) {
      logger.warn(
        { lease: name, err: error },
        'the lease could not be given away; others wait until it expires',
      );
    } finally {
      timer.cancel();
    }
  }
}
