import { Cron } from 'croner';
import type { ConsolidationCycle } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { Changes } from '../common/bus/changes.js';
import { pause, rest } from '../common/bus/rest.js';
import { ServiceError } from '../common/errors.js';
import type { Job, JobRegistry } from '../common/jobs/jobs.js';
import type { Logger } from '../common/logger.js';
import type { Cycles } from './cycle.js';
import type { Backlog } from './metrics.js';
import type { Peers } from './peers.js';

/** What a run of consolidation tells of itself. */
export interface RunDetail {
  readonly cycles: readonly ConsolidationCycle[];
}

/** What starting runs needs. */
export interface SchedulerContext {
  readonly peers: Peers;
  readonly cycles: Cycles;
  readonly jobs: JobRegistry<RunDetail>;
  /** Cron expression of regular sleeps; empty for none. */
  readonly schedule: string;
  /** New log entries after which a tenant sleeps by itself; 0 means never. */
  readonly minNewEpisodes: number;
  /** Longest time between two looks at the backlog. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly random?: () => number;
}

/** Shortest time between two looks at the backlog, however many episodes come. */
const lookGapMs = 200;

/** Starts runs: on demand, by the clock, and when enough new episodes came. */
export class Scheduler {
  readonly #context: SchedulerContext;
  readonly #random: () => number;
  readonly #news = new Changes();
  #backlog: Backlog = { episodes: 0, since: undefined };
  /** Something came since the last look began. */
  #noticed = false;

  constructor(context: SchedulerContext) {
    this.#context = context;
    this.#random = context.random ?? Math.random;
  }

  /** What waited at the last look. */
  get backlog(): Backlog {
    return this.#backlog;
  }

  /**
   * Starts a run of one cycle, or of cycles until no new episode is left. One cycle without new episodes rehearses the
   * newest ones.
   * @throws ALREADY_EXISTS when the tenant has a run
   */
  start(tenant: string, { once, seed }: { once: boolean; seed?: number | undefined }): Job<RunDetail> {
    const { jobs, cycles } = this.#context;
    return jobs.start(tenant, { cycles: [] }, async (run) => {
      const { signal } = run;
      const done: ConsolidationCycle[] = [];
      for (let more = true; more;) {
        signal.throwIfAborted();
        const cycleSeed =
          seed === undefined ? Math.floor(this.#random() * 2 ** 32) : (seed + done.length) >>> 0;
        const cycle = await cycles.run({ tenant, seed: cycleSeed, rehearse: once, signal });
        if (cycle !== undefined) {
          done.push(cycle);
          run.report({ cycles: [...done] });
        }
        more = !once && (cycle !== undefined || (await this.backlogOf(tenant)).backlog > 0);
      }
    });
  }

  /** Cursor of a tenant and the entries after it. */
  async backlogOf(tenant: string): Promise<{ readonly cursor: number; readonly backlog: number }> {
    const { vault, pruner } = this.#context.peers;
    const [{ lastSequence }, { cursor }] = await Promise.all([
      vault.getStats({ tenant }),
      pruner.getGraphStats({ tenant }),
    ]);
    return { cursor, backlog: Math.max(0, lastSequence - cursor) };
  }

  /** Says that the vault has news: the backlog is looked at soon, and not only when the next look is due. */
  notice(): void {
    this.#noticed = true;
    this.#news.announce();
  }

  /** Watches clock and backlog until the drain begins. */
  watch(): void {
    const { schedule, signal } = this.#context;
    if (schedule !== '') {
      const cron = new Cron(schedule, () => void this.#sleepAll('schedule'));
      signal.addEventListener('abort', () => cron.stop(), { once: true });
    }
    void this.#poll();
  }

  async #poll(): Promise<void> {
    const { signal, pollMs, logger } = this.#context;
    while (!signal.aborted) {
      this.#noticed = false;
      try {
        await this.#look();
      } catch (error) {
        logger.debug({ reason: ServiceError.from(error).message }, 'the backlog cannot be seen now');
      }
      await pause(Math.min(lookGapMs, pollMs), signal);
      if (!this.#hasNews()) await rest(pollMs, signal, (until) => this.#news.next(until));
    }
  }

  /** A call, because the compiler would remember the answer from before the pause. */
  #hasNews(): boolean {
    return this.#noticed;
  }

  async #look(): Promise<void> {
    const { peers, minNewEpisodes } = this.#context;
    const { tenants } = await peers.vault.listTenants({});
    let waiting = 0;
    for (const tenant of tenants) {
      const { backlog } = await this.backlogOf(tenant);
      waiting += backlog;
      if (minNewEpisodes > 0 && backlog >= minNewEpisodes) this.#startQuietly(tenant, 'new episodes');
    }
    this.#backlog = {
      episodes: waiting,
      since: waiting === 0 ? undefined : (this.#backlog.since ?? Date.now()),
    };
  }

  async #sleepAll(cause: string): Promise<void> {
    const { peers, logger } = this.#context;
    try {
      const { tenants } = await peers.vault.listTenants({});
      for (const tenant of tenants) this.#startQuietly(tenant, cause, true);
    } catch (error) {
      logger.warn({ reason: ServiceError.from(error).message }, 'a scheduled sleep could not start');
    }
  }

  /** A tenant that sleeps already needs no second run. */
  #startQuietly(tenant: string, cause: string, once = false): void {
    const { jobs, logger } = this.#context;
    if (jobs.running(tenant) !== undefined) return;
    const { id } = this.start(tenant, { once });
    logger.info({ tenant, run: id, cause }, 'sleep begins');
  }
}
