import { setTimeout as sleep } from 'node:timers/promises';
import type { Vault } from './vault.js';

const dayMs = 86_400_000;

/** How long episodes are kept. */
export interface Retention {
  /** Days since the episode was written; 0 keeps everything. */
  readonly days: number;
  /** Time between two sweeps, in milliseconds. */
  readonly intervalMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/**
 * Drops episodes that were *written* more than `days` ago, without tombstones, and frees the index of what is gone.
 *
 * The age is that of the writing, not of the episode's own time: whoever imports the mail of twenty years keeps it for
 * `days`, instead of losing it at the next sweep.
 * @returns how many episodes were dropped
 */
export async function sweep(vault: Vault, { days, now }: Retention): Promise<number> {
  let dropped = 0;
  for (const tenant of vault.tenants) {
    if (days > 0) dropped += await vault.expire(tenant, now() - days * dayMs);
    await vault.dropEmptySegments(tenant);
  }
  return dropped;
}

/** Sweeps at every interval until the signal is aborted; never rejects. */
export async function keepSweeping(
  vault: Vault,
  retention: Retention,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const wait = () =>
    sleep(retention.intervalMs, undefined, { signal }).then(
      () => true,
      () => false,
    );
  while (await wait()) await sweep(vault, retention).catch(onError);
}
