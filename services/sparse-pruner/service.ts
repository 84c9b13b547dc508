import { z } from 'zod';
import { milliseconds } from '../common/config/config.js';
import { createJobRegistry } from '../common/jobs/jobs.js';
import { createParameterSet, parameterVariable } from '../common/parameters/parameters.js';
import { serve, type ServiceDescription } from '../common/server/service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { createCompleter } from './completion.js';
import { Graphs } from './graphs.js';
import { createHandlers } from './handlers.js';
import { createPrunerMetrics } from './metrics.js';
import { createScheduler, type PruneDetail } from './prune-jobs.js';
import { GraphStore } from './store.js';

const parameters = {
  l1Threshold: { field: 'parameters.l1_threshold', min: 1e-5, max: 1e-2, default: 0.001 },
} as const;

const environment = {
  /** L1 sparsity strength tau. */
  PRUNE_L1_THRESHOLD: parameterVariable(parameters.l1Threshold),
  /** Versions of a graph that can be streamed and rolled back to. */
  PRUNER_KEEP_VERSIONS: z.coerce.number().int().min(1).max(1000).default(16),
  /** Longest time that what sleep has added waits for a prune; 0 means for ever. */
  PRUNER_INTERVAL_MS: milliseconds.default(3_600_000),
  /** Committed sleeps after which a prune follows; 0 means never. */
  PRUNER_AFTER_COMMITS: z.coerce.number().int().min(0).max(1_000_000).default(10),
};

/** The sparse-pruner: owns the concept graphs, keeps them sparse and completes cues with them. */
export const sparsePruner: ServiceDescription<typeof environment> = {
  name: 'sparse-pruner',
  environment,
  start({ config, logger, registry, bus, signal }) {
    const store = new GraphStore(config.DATA_DIR);
    const graphs = new Graphs(store, {
      keepVersions: config.PRUNER_KEEP_VERSIONS,
      onCommit(tenant, record, before) {
        const { version, change, nodes, edges, cursor } = record;
        logger.info({ tenant, version, change: change.kind, nodes, edges, cursor }, 'graph committed');
        if (change.kind === 'prune') metrics.pruned(before.edges - edges);
        scheduler.consider(tenant, record);
      },
    });
    const metrics = createPrunerMetrics(registry, () => [...graphs.heads().values()]);
    const jobs = createJobRegistry<PruneDetail>({
      signal,
      onFinished(job) {
        metrics.jobEnded(job.status);
        if (job.status === 'failed')
          logger.error({ tenant: job.tenant, job: job.id, reason: job.error }, 'prune failed');
      },
    });
    const tunables = createParameterSet(parameters, { l1Threshold: config.PRUNE_L1_THRESHOLD });
    const scheduler = createScheduler({
      graphs,
      jobs,
      threshold: () => tunables.values().l1Threshold,
      intervalMs: config.PRUNER_INTERVAL_MS,
      afterCommits: config.PRUNER_AFTER_COMMITS,
      signal,
    });
    scheduler.run();

    const handlers = createHandlers({
      graphs,
      jobs,
      parameters: tunables,
      completer: createCompleter(graphs),
    });
    return Promise.resolve({
      services: [
        serve<SparsePrunerServer>('tori.memory.v1.SparsePruner', SparsePrunerService, handlers),
        bus.publish(store.outbox),
      ],
      async stop() {
        await jobs.idle();
        await graphs.idle();
        await store.close();
      },
    });
  },
};
