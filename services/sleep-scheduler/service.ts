import { join } from 'node:path';
import { Cron } from 'croner';
import { z } from 'zod';
import {
  SleepSchedulerService,
  type SleepSchedulerServer,
} from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { CursorFile } from '../common/bus/cursor-file.js';
import { milliseconds } from '../common/config/config.js';
import { createJobRegistry } from '../common/jobs/jobs.js';
import { createParameterSet, parameterVariable } from '../common/parameters/parameters.js';
import { serve, type ServiceDescription } from '../common/server/service.js';
import { Cycles } from './cycle.js';
import { followVault, vaultSource } from './follow.js';
import { GraphSource } from './graph-source.js';
import { createHandlers } from './handlers.js';
import { createSleepMetrics } from './metrics.js';
import { connectPeers } from './peers.js';
import { Scheduler, type RunDetail } from './scheduler.js';
import { TotalsStore } from './totals.js';

const parameters = {
  annealT0: { field: 'parameters.anneal_t0', min: 0.25, max: 8, default: 2 },
  learningRate: { field: 'parameters.learning_rate', min: 1e-4, max: 0.1, default: 0.01 },
  l1Strength: { field: 'parameters.l1_strength', min: 1e-5, max: 1e-2, default: 0.001 },
} as const;

const environment = {
  VAULT_ADDRESS: z.string().min(1),
  PRUNER_ADDRESS: z.string().min(1),
  /** Initial anneal temperature T0. */
  ANNEAL_T0: parameterVariable(parameters.annealT0),
  /** Learning rate η. */
  LEARNING_RATE: parameterVariable(parameters.learningRate),
  /** L1 strength τ. */
  PRUNE_L1_THRESHOLD: parameterVariable(parameters.l1Strength),
  /** Most log entries of one cycle. */
  SLEEP_BATCH_EPISODES: z.coerce.number().int().min(1).max(100_000).default(2_048),
  /** New episodes after which a tenant sleeps by itself; 0 means never. */
  SLEEP_MIN_NEW_EPISODES: z.coerce.number().int().min(0).max(1_000_000).default(256),
  /** Cron expression of regular sleeps; empty for none. */
  SLEEP_SCHEDULE: z.string().default('').refine(isCron, 'expected a cron expression such as "0 3 * * *"'),
  /** Longest time between two looks at the backlog; events of the vault bring them forward. */
  SLEEP_POLL_MS: milliseconds.default(2_000),
};

/** The sleep-scheduler: replays episodes offline into the concept graph. */
export const sleepScheduler: ServiceDescription<typeof environment> = {
  name: 'sleep-scheduler',
  environment,
  start({ config, logger, registry, token, bus, signal }) {
    const totals = new TotalsStore(config.DATA_DIR);
    const peers = connectPeers(config.VAULT_ADDRESS, config.PRUNER_ADDRESS, token);
    const tunables = createParameterSet(parameters, {
      annealT0: config.ANNEAL_T0,
      learningRate: config.LEARNING_RATE,
      l1Strength: config.PRUNE_L1_THRESHOLD,
    });
    const metrics = createSleepMetrics(registry, () => scheduler.backlog);
    const cycles = new Cycles({
      peers,
      totals,
      logger,
      graphs: new GraphSource(peers),
      parameters: () => tunables.values(),
      batchEntries: config.SLEEP_BATCH_EPISODES,
      onCycle(cycle, result, edgeUpdates) {
        metrics.cycleEnded(cycle, result, edgeUpdates);
        logger.info({ cycle, result }, 'cycle ended');
      },
    });
    const jobs = createJobRegistry<RunDetail>({
      signal,
      onFinished({ id, tenant, status, error }) {
        if (status === 'failed') logger.error({ tenant, run: id, reason: error }, 'sleep failed');
      },
    });
    const scheduler = new Scheduler({
      peers,
      cycles,
      jobs,
      signal,
      logger,
      schedule: config.SLEEP_SCHEDULE,
      minNewEpisodes: config.SLEEP_MIN_NEW_EPISODES,
      pollMs: config.SLEEP_POLL_MS,
    });
    scheduler.watch();
    const following = followVault({
      bus: bus.subscriber({ [vaultSource]: config.VAULT_ADDRESS }),
      cursor: new CursorFile(join(config.DATA_DIR, 'bus', `${vaultSource}.json`)),
      onNews: () => scheduler.notice(),
      logger,
      signal,
    });
    const handlers = createHandlers({ scheduler, jobs, totals, parameters: tunables });
    return Promise.resolve({
      services: [
        serve<SleepSchedulerServer>('tori.memory.v1.SleepScheduler', SleepSchedulerService, handlers),
      ],
      async stop() {
        await jobs.idle();
        await following;
        peers.close();
      },
    });
  },
};

function isCron(text: string): boolean {
  if (text === '') return true;
  try {
    new Cron(text, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}
