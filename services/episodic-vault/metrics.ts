import { Counter, Gauge, type Registry } from 'prom-client';
import type { Vault } from './vault.js';

/** What became of an episode that a writer sent. */
export type PutResult = 'stored' | 'duplicate' | 'refused';

/** The vault's metrics under the contract's names, summed over tenants. */
export interface VaultMetrics {
  /** Sets the gauges from the vault. */
  observe(vault: Vault): void;
  /** Counts episodes by what became of them. */
  countPuts(result: PutResult, episodes: number): void;
}

export function createVaultMetrics(registry: Registry): VaultMetrics {
  const registers = [registry];
  const episodes = new Gauge({
    name: 'vault_episode_count',
    help: 'Episodes stored now.',
    registers,
  });
  const size = new Gauge({
    name: 'vault_size_mb',
    help: 'Size of the vault on disk, in megabytes (10^6 bytes).',
    registers,
  });
  const sequence = new Gauge({
    name: 'vault_last_sequence',
    help: 'Entries ever written: stored episodes and tombstones.',
    registers,
  });
  const puts = new Counter({
    name: 'vault_puts_total',
    help: 'Episodes that writers sent, by result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['stored', 'duplicate', 'refused'] satisfies PutResult[]) puts.inc({ result }, 0);
  return {
    observe(vault) {
      episodes.set(vault.episodeCount);
      size.set(vault.sizeBytes / 1e6);
      sequence.set(vault.lastSequence);
    },
    countPuts(result, count) {
      puts.inc({ result }, count);
    },
  };
}
