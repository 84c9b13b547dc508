import type {
  EpisodicVaultServer,
  ReplayResponse,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { decodeActivations } from '../common/activations/activations.js';
import type { BusEvent, EventBus } from '../common/bus/bus.js';
import { cursorAt } from '../common/bus/cursor-file.js';
import { Interruptions } from '../common/bus/interruptions.js';
import type { ServiceClient } from '../common/clients/client.js';
import type { Logger } from '../common/logger.js';
import type { Learner } from './learner.js';
import type { LearnerStore, SeriesEvent } from './store.js';

/** What the follower needs. */
export interface FollowerOptions {
  readonly bus: EventBus;
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly learner: Learner;
  readonly store: LearnerStore;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Name of the source on the bus. */
export const vaultSource = 'episodic-vault';

/** Entries that enter the bins in one transaction. */
const batchLimit = 256;

/**
 * Follows the vault's events of every tenant until the signal is aborted; resolves when the last batch is in. An event
 * says that there is something to read: the episodes come from the vault, as many as are there, so that of a thousand
 * events in a row most find their episode in the bins already.
 */
export async function followVault(options: FollowerOptions): Promise<void> {
  const { bus, store, logger, signal } = options;
  const interruptions = new Interruptions(logger, 'cannot follow the vault');
  const cursor = store.busCursor();
  await bus.subscribe(vaultSource, {
    after: cursor?.sequence ?? 0,
    log: cursor?.log,
    signal,
    async onEvent(event) {
      await takeUpTo(event, options);
      store.keepBusCursor(cursorAt(event));
      interruptions.over();
    },
    onInterrupted: (reason) => interruptions.tell(reason),
  });
}

/** Reads a tenant's log from the stored cursor on, when the bins do not hold what the event tells of yet. */
async function takeUpTo(event: BusEvent, { vault, learner, store, signal }: FollowerOptions): Promise<void> {
  const { tenant } = event;
  const { log } = cursorAt(event);
  const wanted = Number(event.attributes['sequence']);
  const afterSequence = store.cursor(tenant, log);
  if (afterSequence >= wanted) return;
  const request = { tenant, afterSequence, follow: false, limit: 0 };
  let batch: ReplayResponse[] = [];
  const write = async () => {
    const entries = batch;
    batch = [];
    await takeIn(learner, { tenant, log, entries });
  };
  for await (const entry of vault.replay(request, { signal })) {
    batch.push(entry);
    if (batch.length >= batchLimit) await write();
  }
  await write();
}

/**
 * Adds a batch of the log. Deletions only move the cursor: a bin is a sum, which does not know its parts, and the trace
 * of one episode in it leaves with the window. Nothing of an episode but its concept ids and weights ever got here.
 */
async function takeIn(
  learner: Learner,
  { tenant, log, entries }: { tenant: string; log: string; entries: readonly ReplayResponse[] },
): Promise<void> {
  const last = entries.at(-1);
  if (last === undefined) return;
  const events: SeriesEvent[] = [];
  for (const { entry } of entries) {
    if (entry?.$case !== 'stored') continue;
    const { timeUnixMs, activations } = entry.value;
    events.push({ timeUnixMs, ...decodeActivations(activations) });
  }
  await learner.add(tenant, events, { log, sequence: last.sequence });
}
