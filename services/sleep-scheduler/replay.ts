import { decodeActivations, type SparseVector } from '../common/activations/activations.js';
import type { Peers } from './peers.js';

/** Entries of the vault's log that one cycle takes. */
export interface Batch {
  readonly episodes: readonly SparseVector[];
  /** Last sequence of the batch: the cursor after it. */
  readonly lastSequence: number;
  /** True when the graph counts these episodes already. */
  readonly rehearsal: boolean;
}

/**
 * The next batch after a cursor. A tombstone moves the cursor and nothing else: its content is gone, so what the episode
 * taught stays until it fades or is pruned.
 * @returns undefined when there is nothing after the cursor
 */
export async function nextBatch(
  peers: Peers,
  { tenant, cursor, limit }: { tenant: string; cursor: number; limit: number },
  signal: AbortSignal,
): Promise<Batch | undefined> {
  const episodes: SparseVector[] = [];
  let lastSequence = cursor;
  const request = { tenant, afterSequence: cursor, follow: false, limit };
  for await (const { sequence, entry } of peers.vault.replay(request, { signal })) {
    lastSequence = sequence;
    if (entry?.$case === 'stored') episodes.push(decodeActivations(entry.value.activations));
  }
  return lastSequence === cursor ? undefined : { episodes, lastSequence, rehearsal: false };
}

/** The newest episodes before a cursor once more: what a sleep without new episodes rehearses. */
export async function rehearsalBatch(
  peers: Peers,
  { tenant, cursor, limit }: { tenant: string; cursor: number; limit: number },
  signal: AbortSignal,
): Promise<Batch> {
  const episodes: SparseVector[] = [];
  const request = { tenant, afterSequence: Math.max(0, cursor - limit), follow: false, limit };
  for await (const { sequence, entry } of peers.vault.replay(request, { signal })) {
    if (sequence > cursor) break;
    if (entry?.$case === 'stored') episodes.push(decodeActivations(entry.value.activations));
  }
  return { episodes, lastSequence: cursor, rehearsal: true };
}
