import { z } from 'zod';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  KoopmanLearnerService,
  type KoopmanLearnerServer,
} from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import { connect } from '../common/clients/client.js';
import { milliseconds } from '../common/config/config.js';
import { createParameterSet, parameterVariable } from '../common/parameters/parameters.js';
import { serve, type ServiceDescription } from '../common/server/service.js';
import { binWidthsMs } from './domain/time-axis.js';
import { followVault, vaultSource } from './follow.js';
import { createHandlers } from './handlers.js';
import { Learner } from './learner.js';
import { createLearnerMetrics } from './metrics.js';
import { LearnerStore } from './store.js';

const parameters = {
  rank: { field: 'parameters.rank', min: 1, max: 500, default: 50, integer: true },
  l1Strength: { field: 'parameters.l1_strength', min: 0, max: 1, default: 0 },
} as const;

const environment = {
  /** Address of the vault whose outbox is followed, `host:port`. */
  VAULT_ADDRESS: z
    .string()
    .regex(/^[^\s:]+:\d{1,5}$/, 'expected host:port')
    .default('127.0.0.1:50051'),
  /** DMD rank r. */
  DMD_RANK: parameterVariable(parameters.rank),
  /** Sparsity of the amplitudes as a share of the strength that removes every mode. */
  KCL_L1_STRENGTH: parameterVariable(parameters.l1Strength),
  /** Width of a time bin in seconds; 0 chooses it from the data (see `domain/time-axis.ts`). */
  KCL_BIN_SECONDS: z.coerce.number().min(0).max(31_536_000).default(0),
  /** Most snapshots of a window. */
  KCL_WINDOW_BINS: z.coerce.number().int().min(16).max(1024).default(256),
  /** Most concepts of the state: the most active of the window. */
  KCL_MAX_CONCEPTS: z.coerce.number().int().min(1).max(65_536).default(2000),
  /** New bins after which a window is fitted again. */
  KCL_REFIT_BINS: z.coerce.number().int().min(1).max(1024).default(8),
  /** Longest time that a new bin waits for a fit. */
  KCL_REFIT_INTERVAL_MS: milliseconds.min(1).default(60_000),
};

/** The koopman-learner: follows the dynamics of activations by dynamic mode decomposition. */
export const koopmanLearner: ServiceDescription<typeof environment> = {
  name: 'koopman-learner',
  environment,
  start({ config, logger, registry, token, bus, signal }) {
    const widthMs = Math.max(1, Math.round(config.KCL_BIN_SECONDS * 1000));
    const store = new LearnerStore(config.DATA_DIR, {
      widthsMs: config.KCL_BIN_SECONDS === 0 ? binWidthsMs : [widthMs],
      capacity: config.KCL_WINDOW_BINS,
    });
    const tunables = createParameterSet(parameters, {
      rank: config.DMD_RANK,
      l1Strength: config.KCL_L1_STRENGTH,
    });
    const learner = new Learner({
      store,
      windowBins: config.KCL_WINDOW_BINS,
      maxConcepts: config.KCL_MAX_CONCEPTS,
      refitBins: config.KCL_REFIT_BINS,
      refitIntervalMs: config.KCL_REFIT_INTERVAL_MS,
      parameters: () => tunables.values(),
      now: Date.now,
      logger,
      onFit: (spectrum, seconds) => metrics.fitted(spectrum, seconds),
    });
    const metrics = createLearnerMetrics(registry, () => learner.summaries());
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, config.VAULT_ADDRESS, { token });
    const following = followVault({
      bus: bus.subscriber({ [vaultSource]: config.VAULT_ADDRESS }),
      vault,
      learner,
      store,
      logger,
      signal,
    });
    const learning = learner.run(signal);
    const handlers = createHandlers({ learner, store, parameters: tunables });
    return Promise.resolve({
      services: [
        serve<KoopmanLearnerServer>('tori.memory.v1.KoopmanLearner', KoopmanLearnerService, handlers),
        bus.publish(store.outbox),
      ],
      async stop() {
        vault.close();
        await following;
        await learning;
        await store.close();
      },
    });
  },
};
