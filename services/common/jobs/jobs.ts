import { randomUUID } from 'node:crypto';
import { ServiceError } from '../errors.js';

/** Where a job stands; it leaves `running` once and for ever. */
export type JobStatus = 'running' | 'succeeded' | 'cancelled' | 'failed';

/** A job as it was at the moment of asking. */
export interface Job<Detail> {
  readonly id: string;
  readonly tenant: string;
  readonly status: JobStatus;
  /** What the job has told of itself so far. */
  readonly detail: Detail;
  /** What went wrong, when failed; else empty. */
  readonly error: string;
  readonly startedUnixMs: number;
  /** 0 while running. */
  readonly finishedUnixMs: number;
}

/** What a job's work gets. */
export interface JobRun<Detail> {
  readonly id: string;
  /** Aborted by `cancel` and when the service drains. Work that has committed ignores it and resolves. */
  readonly signal: AbortSignal;
  /** Replaces the detail that callers see. */
  report(detail: Detail): void;
}

/** Long-running jobs of one service: at most one runs for a tenant, and the newest are remembered. */
export interface JobRegistry<Detail> {
  /**
   * Starts work and returns at once; the work begins in a later turn of the event loop.
   * A job succeeds when its work resolves. When it rejects, the job is cancelled if its signal was aborted, else failed.
   * @throws ALREADY_EXISTS, naming the running job, when the tenant has one; UNAVAILABLE while the service drains
   */
  start(tenant: string, detail: Detail, work: (run: JobRun<Detail>) => Promise<void>): Job<Detail>;
  /**
   * A job of the tenant; an empty id means the newest.
   * @throws NOT_FOUND when the id is unknown or no longer remembered
   */
  get(tenant: string, id: string): Job<Detail>;
  /**
   * Aborts a job and waits for its end. A finished job is returned as it is; an empty id means the newest.
   * @throws NOT_FOUND as {@link get}
   */
  cancel(tenant: string, id: string): Promise<Job<Detail>>;
  /** The tenant's running job. */
  running(tenant: string): Job<Detail> | undefined;
  /** Resolves when no job runs; call it after the drain signal, before stores close. */
  idle(): Promise<void>;
}

/** What a registry needs. */
export interface JobRegistryOptions<Detail> {
  /** Aborted when the service drains: running jobs are cancelled, new ones refused. */
  readonly signal: AbortSignal;
  /** Called once for every job that ends, for metrics and logs. */
  readonly onFinished?: (job: Job<Detail>) => void;
  readonly now?: () => number;
  readonly newId?: () => string;
}

/** Jobs remembered for each tenant. */
export const keptJobs = 256;

interface Entry<Detail> {
  job: Job<Detail>;
  readonly abort: AbortController;
  ended: Promise<void>;
}

/** Creates an empty registry. Jobs live in memory: a restart forgets them, their committed results stay. */
export function createJobRegistry<Detail>(options: JobRegistryOptions<Detail>): JobRegistry<Detail> {
  const { signal, onFinished, now = Date.now, newId = randomUUID } = options;
  // Insertion order is age: the last entry of a tenant is its newest job.
  const tenants = new Map<string, Map<string, Entry<Detail>>>();

  const newest = (tenant: string) => [...(tenants.get(tenant)?.values() ?? [])].at(-1);
  const running = (tenant: string) => {
    const entry = newest(tenant);
    return entry?.job.status === 'running' ? entry : undefined;
  };
  const find = (tenant: string, id: string) => {
    const entry = id === '' ? newest(tenant) : tenants.get(tenant)?.get(id);
    if (entry === undefined) {
      const missing = id === '' ? 'no job was started' : `job ${JSON.stringify(id)} is unknown`;
      throw new ServiceError('NOT_FOUND', `tenant "${tenant}": ${missing}`);
    }
    return entry;
  };
  const finish = (entry: Entry<Detail>, status: JobStatus, error: string) => {
    entry.job = { ...entry.job, status, error, finishedUnixMs: now() };
    onFinished?.(entry.job);
  };
  const execute = async (entry: Entry<Detail>, work: (run: JobRun<Detail>) => Promise<void>) => {
    await new Promise(setImmediate);
    try {
      entry.abort.signal.throwIfAborted();
      await work({
        id: entry.job.id,
        signal: entry.abort.signal,
        report: (detail) => (entry.job = { ...entry.job, detail }),
      });
      finish(entry, 'succeeded', '');
    } catch (thrown) {
      if (entry.abort.signal.aborted) finish(entry, 'cancelled', '');
      else finish(entry, 'failed', ServiceError.from(thrown).message);
    }
  };

  const all = () => [...tenants.values()].flatMap((jobs) => [...jobs.values()]);
  signal.addEventListener('abort', () => all().forEach((entry) => entry.abort.abort()), { once: true });

  return {
    start(tenant, detail, work) {
      if (signal.aborted) throw new ServiceError('UNAVAILABLE', 'the service is draining');
      const busy = running(tenant);
      if (busy !== undefined) {
        throw new ServiceError('ALREADY_EXISTS', `tenant "${tenant}": job ${busy.job.id} is running`);
      }
      const id = newId();
      const entry: Entry<Detail> = {
        job: { id, tenant, status: 'running', detail, error: '', startedUnixMs: now(), finishedUnixMs: 0 },
        abort: new AbortController(),
        ended: Promise.resolve(),
      };
      const jobs = tenants.get(tenant) ?? new Map<string, Entry<Detail>>();
      tenants.set(tenant, jobs.set(id, entry));
      const [oldest] = jobs.keys();
      if (jobs.size > keptJobs && oldest !== undefined) jobs.delete(oldest);
      entry.ended = execute(entry, work);
      return entry.job;
    },
    get: (tenant, id) => find(tenant, id).job,
    async cancel(tenant, id) {
      const entry = find(tenant, id);
      entry.abort.abort();
      await entry.ended;
      return entry.job;
    },
    running: (tenant) => running(tenant)?.job,
    async idle() {
      await Promise.all(all().map((entry) => entry.ended));
    },
  };
}
