import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { milliseconds } from '../common/config/config.js';
import { serve, type ServiceDescription } from '../common/server/service.js';
import { vaultHandlers } from './handlers.js';
import { createVaultMetrics } from './metrics.js';
import { keepSweeping } from './retention.js';
import { DiskGuard } from './storage/disk-guard.js';
import { Vault } from './vault.js';

const environment = {
  /** Days that an episode is kept after it was written; 0 keeps all. */
  VAULT_RETENTION_DAYS: z.coerce.number().int().min(0).max(36_500).default(0),
  /** Time between two sweeps of the retention. */
  VAULT_RETENTION_INTERVAL_MS: milliseconds.min(1).default(3_600_000),
  /** Free bytes on the disk below which nothing new is stored. */
  VAULT_MIN_FREE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(256 * 1024 ** 2),
};

/** The service that stores raw episodes. */
export const episodicVault: ServiceDescription<typeof environment> = {
  name: 'episodic-vault',
  environment,
  start: ({ config, logger, registry, bus, signal }) => {
    const metrics = createVaultMetrics(registry);
    const vault = new Vault({
      folder: config.DATA_DIR,
      guard: new DiskGuard(config.DATA_DIR, config.VAULT_MIN_FREE_BYTES, () => performance.now()),
      now: Date.now,
      onChange: (changed) => metrics.observe(changed),
      onBackgroundError: (error) => logger.error({ err: error }, 'sealing a segment of the index failed'),
    });
    const retention = {
      days: config.VAULT_RETENTION_DAYS,
      intervalMs: config.VAULT_RETENTION_INTERVAL_MS,
      now: Date.now,
    };
    const sweeping = keepSweeping(vault, retention, signal, (error) =>
      logger.error({ err: error }, 'the retention sweep failed'),
    );
    return Promise.resolve({
      services: [
        serve<EpisodicVaultServer>(
          'tori.memory.v1.EpisodicVault',
          EpisodicVaultService,
          vaultHandlers(vault, metrics, signal),
        ),
        bus.publish(vault),
      ],
      stop: async () => {
        await sweeping;
        await vault.close();
      },
    });
  },
};
