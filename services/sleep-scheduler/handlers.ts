import type {
  ConsolidationRun,
  SleepSchedulerServer,
} from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import type { Job, JobRegistry } from '../common/jobs/jobs.js';
import { encodeJobStatus } from '../common/jobs/wire.js';
import type { ParameterSet } from '../common/parameters/parameters.js';
import type { Handlers } from '../common/server/call.js';
import { tenantOf } from '../common/tenant.js';
import type { RunDetail, Scheduler } from './scheduler.js';
import type { TotalsStore } from './totals.js';

/** Names of the parameters of sleep, as on the wire. */
export type SleepParameterName = 'annealT0' | 'learningRate' | 'l1Strength';

interface Dependencies {
  readonly scheduler: Scheduler;
  readonly jobs: JobRegistry<RunDetail>;
  readonly totals: TotalsStore;
  readonly parameters: ParameterSet<SleepParameterName>;
}

/** The RPCs of SleepScheduler. */
export function createHandlers({
  scheduler,
  jobs,
  totals,
  parameters,
}: Dependencies): Handlers<SleepSchedulerServer> {
  return {
    startConsolidation(request) {
      const { once, seed } = request;
      return { runId: scheduler.start(tenantOf(request), { once, seed }).id };
    },
    getConsolidation(request) {
      return { run: encodeRun(jobs.get(tenantOf(request), request.runId)) };
    },
    async cancelConsolidation(request) {
      return { run: encodeRun(await jobs.cancel(tenantOf(request), request.runId)) };
    },
    async getReplayStats(request) {
      const tenant = tenantOf(request);
      const { cursor, backlog } = await scheduler.backlogOf(tenant);
      const { cycles, accepted, quarantined, episodesReplayed } = totals.read(tenant);
      return {
        cursor,
        backlog,
        cycles,
        acceptedCycles: accepted,
        quarantinedBatches: quarantined,
        episodesReplayed,
      };
    },
    getParameters() {
      return { parameters: parameters.values() };
    },
    updateParameters(request) {
      return { parameters: parameters.update(request.parameters ?? {}) };
    },
  };
}

function encodeRun({
  id,
  status,
  detail,
  error,
  startedUnixMs,
  finishedUnixMs,
}: Job<RunDetail>): ConsolidationRun {
  return {
    runId: id,
    state: encodeJobStatus(status),
    cycles: [...detail.cycles],
    error,
    startedUnixMs,
    finishedUnixMs,
  };
}
