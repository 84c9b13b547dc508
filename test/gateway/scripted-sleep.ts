import {
  SleepSchedulerService,
  type ConsolidationCycle,
  type SleepSchedulerServer,
} from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import { ServiceError } from '../../services/common/errors.js';
import { serve, type ServiceDescription } from '../../services/common/server/service.js';

/** What a scripted scheduler was asked, and what it is to do next. */
export interface Script {
  /** Runs by id, oldest first. */
  readonly runs: Map<string, { state: JobState; readonly cycles: ConsolidationCycle[] }>;
  /** Adds a run, as a schedule would. */
  begin(): string;
  /** Adds a cycle to a run. */
  cycle(runId: string): void;
  end(runId: string): void;
}

/** A sleep scheduler whose runs advance only when the test says so: for waiting, progress and cancellation. */
export function scriptedSleep(): {
  readonly script: Script;
  readonly description: ServiceDescription<Record<string, never>>;
} {
  const runs: Script['runs'] = new Map();
  const running = () => [...runs].find(([, { state }]) => state === JobState.JOB_STATE_RUNNING);
  const script: Script = {
    runs,
    begin() {
      const runId = `run-${runs.size + 1}`;
      runs.set(runId, { state: JobState.JOB_STATE_RUNNING, cycles: [] });
      return runId;
    },
    cycle(runId) {
      const { cycles } = runs.get(runId)!;
      cycles.push({ ...emptyCycle, cycle: cycles.length + 1 });
    },
    end(runId) {
      runs.get(runId)!.state = JobState.JOB_STATE_SUCCEEDED;
    },
  };
  const runOf = (runId: string) => {
    const id = runId === '' ? [...runs.keys()].at(-1)! : runId;
    const { state, cycles } = runs.get(id)!;
    return { run: { runId: id, state, cycles, error: '', startedUnixMs: 0, finishedUnixMs: 0 } };
  };
  const description: ServiceDescription<Record<string, never>> = {
    name: 'scripted-sleep',
    environment: {},
    start: () =>
      Promise.resolve({
        services: [
          serve<SleepSchedulerServer>('tori.memory.v1.SleepScheduler', SleepSchedulerService, {
            startConsolidation: () => {
              const other = running();
              if (other !== undefined) throw new ServiceError('ALREADY_EXISTS', `${other[0]} is running`);
              return { runId: script.begin() };
            },
            getConsolidation: ({ runId }) => runOf(runId),
            cancelConsolidation: ({ runId }) => {
              runs.get(runId)!.state = JobState.JOB_STATE_CANCELLED;
              return runOf(runId);
            },
            getReplayStats: unscripted,
            getParameters: unscripted,
            updateParameters: unscripted,
          }),
        ],
        stop: () => Promise.resolve(),
      }),
  };
  return { script, description };
}

const emptyCycle: ConsolidationCycle = {
  cycle: 0,
  episodes: 10,
  energyBefore: -1,
  energyAfter: -2,
  energyDropRatio: 0.5,
  settleLoops: 3,
  completionBefore: 0.1,
  completionAfter: 0.2,
  accepted: true,
  reason: '',
  graphVersion: 1,
  edgesChanged: 5,
  durationMs: 1,
  parameters: undefined,
  seed: 1,
};

function unscripted(): never {
  throw new ServiceError('INTERNAL', 'not scripted');
}
