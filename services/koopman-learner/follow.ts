import { setTimeout as sleep } from 'node:timers/promises';
import type {
  EpisodicVaultServer,
  ReplayResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { decodeActivations } from '../common/activations/activations.js';
import { backoffMs } from '../common/bus/backoff.js';
import type { ServiceClient } from '../common/clients/client.js';
import { ServiceError } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { Learner } from './learner.js';
import type { LearnerStore, SeriesEvent } from './store.js';

/** What the follower needs. */
export interface FollowerOptions {
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly learner: Learner;
  readonly store: LearnerStore;
  readonly logger: Logger;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Time between two looks for new tenants. */
const tenantsMs = 1_000;
/** Entries that enter the bins in one transaction. */
const batchLimit = 256;
/** Longest that an entry waits for others to share its transaction. */
const gatherMs = 50;

/** Follows the vault's outbox of every tenant until the signal is aborted; resolves when the last batch is in. */
export async function followVault(options: FollowerOptions): Promise<void> {
  const followed = new Map<string, Promise<void>>();
  const followNewTenants = async () => {
    const { tenants } = await options.vault.listTenants({}, { signal: options.signal });
    for (const tenant of tenants) {
      if (!followed.has(tenant)) followed.set(tenant, followTenant(tenant, options));
    }
  };
  await persist(options, {}, async (progress) => {
    await followNewTenants();
    progress();
    await pause(tenantsMs, options.signal);
  });
  await Promise.all(followed.values());
}

/** Reads one tenant's outbox from the stored cursor on, again and again while the vault goes and comes. */
async function followTenant(tenant: string, options: FollowerOptions): Promise<void> {
  await persist(options, { tenant }, async (progress) => {
    await checkCursor(tenant, options);
    await readOutbox(tenant, options, progress);
  });
}

/** Repeats an attempt until the signal is aborted, with growing pauses after failures in a row. */
async function persist(
  { signal, random, logger }: FollowerOptions,
  facts: Record<string, string>,
  attempt: (progress: () => void) => Promise<void>,
): Promise<void> {
  const aborted = () => signal.aborted;
  let failures = 0;
  while (!aborted()) {
    try {
      await attempt(() => (failures = 0));
    } catch (error) {
      failures += 1;
      if (!aborted() && failures === 1)
        logger.warn({ ...facts, reason: ServiceError.from(error).message }, 'cannot read from the vault');
    }
    await pause(backoffMs(failures, random), signal);
  }
}

/** A cursor past the vault's end belongs to a log that was lost: start over. */
async function checkCursor(tenant: string, { vault, store, logger, signal }: FollowerOptions): Promise<void> {
  const cursor = store.cursor(tenant);
  const { lastSequence } = await vault.getStats({ tenant }, { signal });
  if (cursor <= lastSequence) return;
  logger.warn({ tenant, cursor, lastSequence }, 'the vault lost its log; reading it from the start');
  await store.restartCursor(tenant);
}

/** Reads until the stream ends or breaks. While one batch is written the next gathers, and a full one holds the stream. */
async function readOutbox(tenant: string, options: FollowerOptions, onProgress: () => void): Promise<void> {
  const { vault, learner, store, signal } = options;
  let batch: ReplayResponse[] = [];
  let writing: Promise<void> = Promise.resolve();
  const write = () => {
    const entries = batch;
    batch = [];
    if (entries.length > 0) writing = writing.then(() => takeIn(tenant, learner, entries));
    return writing;
  };
  const ended = new AbortController();
  const gathering = gather(write, AbortSignal.any([signal, ended.signal]), () => ended.abort());
  try {
    const until = AbortSignal.any([signal, ended.signal]);
    const request = { tenant, afterSequence: store.cursor(tenant), follow: true, limit: 0 };
    for await (const entry of vault.replay(request, { signal: until })) {
      batch.push(entry);
      onProgress();
      if (batch.length >= batchLimit) await write();
    }
  } finally {
    ended.abort();
    await gathering;
    await write();
  }
}

/** Writes what has gathered every so often; a failure ends the stream, and reading begins again at the cursor. */
async function gather(write: () => Promise<void>, signal: AbortSignal, onFailure: () => void): Promise<void> {
  while (!signal.aborted) {
    await pause(gatherMs, signal);
    await write().catch(onFailure);
  }
}

/**
 * Adds a batch of the outbox. Deletions only move the cursor: a bin is a sum, which does not know its parts, and the trace
 * of one episode in it leaves with the window. Nothing of an episode but its concept ids and weights ever got here.
 */
async function takeIn(tenant: string, learner: Learner, entries: readonly ReplayResponse[]): Promise<void> {
  const events: SeriesEvent[] = [];
  for (const { entry } of entries) {
    if (entry?.$case !== 'stored') continue;
    const { timeUnixMs, activations } = entry.value;
    events.push({ timeUnixMs, ...decodeActivations(activations) });
  }
  await learner.add(tenant, events, entries.at(-1)!.sequence);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
