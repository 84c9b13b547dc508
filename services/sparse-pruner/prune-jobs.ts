import type { JobRegistry } from '../common/jobs/jobs.js';
import { pruneIsDue, type PruneSchedule, type VersionRecord } from './domain/history.js';
import type { Graphs } from './graphs.js';

/** What a pruning job tells of itself. */
export interface PruneDetail {
  readonly l1Threshold: number;
  readonly edgesBefore: number;
  /** 0 until it succeeded. */
  readonly edgesAfter: number;
  /** Version that it committed; 0 until it succeeded. */
  readonly version: number;
}

/**
 * Starts a pruning job and returns its id.
 * @throws ALREADY_EXISTS when the tenant has one running
 */
export function startPrune(
  jobs: JobRegistry<PruneDetail>,
  graphs: Graphs,
  tenant: string,
  l1Threshold: number,
): string {
  const edgesBefore = graphs.head(tenant).record.edges;
  const begun: PruneDetail = { l1Threshold, edgesBefore, edgesAfter: 0, version: 0 };
  return jobs.start(tenant, begun, async (run) => {
    run.report({ l1Threshold, ...(await graphs.prune(tenant, l1Threshold, run.signal)) });
  }).id;
}

/** What {@link createScheduler} needs. */
export interface SchedulerOptions extends PruneSchedule {
  readonly graphs: Graphs;
  readonly jobs: JobRegistry<PruneDetail>;
  /** The threshold in force. */
  readonly threshold: () => number;
  /** Aborted when the service drains: nothing starts any more. */
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** Starts prunes that are due. */
export interface Scheduler {
  /** Looks at one tenant, after a commit. */
  consider(tenant: string, record: VersionRecord): void;
  /** Looks at all tenants, now and from time to time. */
  run(): void;
}

// What is due is a function of stored times, so a restart loses nothing; this only says how late a prune may be.
const lookEveryMs = 60_000;

/** Creates a scheduler; when a prune is due is the decision of {@link pruneIsDue}. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { graphs, jobs, threshold, signal, now = Date.now } = options;
  const consider = (tenant: string, record: VersionRecord) => {
    const free = !signal.aborted && jobs.running(tenant) === undefined;
    if (free && pruneIsDue(record, options, now())) {
      startPrune(jobs, graphs, tenant, threshold());
    }
  };
  const considerAll = () => graphs.heads().forEach((record, tenant) => consider(tenant, record));
  return {
    consider,
    run() {
      if (signal.aborted) return;
      considerAll();
      const timer = setInterval(considerAll, Math.min(lookEveryMs, options.intervalMs || lookEveryMs));
      signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    },
  };
}
