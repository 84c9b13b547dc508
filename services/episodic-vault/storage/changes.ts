import { Episode, Tombstone } from '../../../proto/gen/tori/memory/v1/types.js';
import type { SparseVector } from '../../common/activations/activations.js';
import { invalidArgument, quote, ServiceError } from '../../common/errors.js';
import type { Draft } from './draft.js';
import {
  idKey,
  logKey,
  numberKey,
  postingKey,
  sequenceOfKey,
  tenantEnd,
  tenantPrefix,
  timeKey,
  u64,
} from './keys.js';
import { decodeEntry, type IdRecord } from './records.js';
import { droppedSegment, segmentKey } from './state.js';

/** An episode that was checked and encoded. */
export interface PreparedEpisode {
  readonly id: string;
  readonly timeUnixMs: number;
  readonly activations: SparseVector;
  /** Its one encoding; see `encodeEpisode`. */
  readonly payload: Buffer;
}

/** What became of one episode. */
export interface PutOutcome {
  readonly sequence: number;
  /** The same content was already there. */
  readonly duplicate: boolean;
}

/** Id of a name that the dictionary does not hold. */
export const unknownConcept = 0xffff_ffff;

/**
 * Stores episodes, all or none.
 * @throws FAILED_PRECONDITION for an older epoch or a deleted id; ALREADY_EXISTS for an id that holds other content
 */
export function storeEpisodes(
  draft: Draft,
  tenant: string,
  episodes: readonly PreparedEpisode[],
  epoch: number,
): PutOutcome[] {
  checkEpoch(draft, epoch);
  const fresh = new Map<string, PreparedEpisode>();
  for (const episode of episodes) {
    const twin = fresh.get(episode.id);
    if (twin !== undefined) checkSame(episode.id, twin.payload, episode.payload);
    else if (!isStored(draft, tenant, episode)) fresh.set(episode.id, episode);
  }
  acceptEpoch(draft, epoch);
  return episodes.map((episode) => {
    const duplicate = !fresh.delete(episode.id);
    const sequence = duplicate
      ? draft.findId(tenant, episode.id)!.sequence
      : appendEpisode(draft, tenant, episode);
    return { sequence, duplicate };
  });
}

/** What became of a deletion. */
export interface DeleteOutcome {
  readonly deleted: boolean;
  /** Place of the tombstone. */
  readonly sequence: number;
}

/** Which episode to delete. */
export interface Deletion {
  readonly id: string;
  readonly epoch: number;
  readonly tombstoneIfAbsent: boolean;
}

/**
 * Deletes an episode and leaves a tombstone; an id that was deleted before keeps the one it has.
 * @throws FAILED_PRECONDITION for an older epoch; NOT_FOUND for an unknown id unless a tombstone is wanted for it too
 */
export function deleteEpisode(draft: Draft, tenant: string, deletion: Deletion): DeleteOutcome {
  const { id, epoch } = deletion;
  checkEpoch(draft, epoch);
  const known = draft.findId(tenant, id);
  if (known === undefined && !deletion.tombstoneIfAbsent) throw notFound(id);
  acceptEpoch(draft, epoch);
  if (known?.kind === 'deleted') return { deleted: false, sequence: known.sequence };
  if (known !== undefined) dropEntry(draft, tenant, known);
  const tombstone = Tombstone.encode({ id, timeUnixMs: draft.nowUnixMs }).finish();
  const sequence = draft.append(tenant, id, 'deleted', Buffer.from(tombstone));
  const counts = draft.counts(tenant);
  draft.setCounts(tenant, { ...counts, tombstones: counts.tombstones + 1 });
  return { deleted: known !== undefined, sequence };
}

/** The error for an id that is not stored. */
export function notFound(id: string): ServiceError {
  return new ServiceError('NOT_FOUND', `id: no episode ${quote(id)} is stored`);
}

/** Gives each name its id, adding those that the dictionary does not hold. */
export function internConcepts(draft: Draft, tenant: string, names: readonly string[]): Uint32Array {
  const { conceptIds, names: known } = draft.tenant(tenant);
  const added = draft.newNames(tenant);
  return Uint32Array.from(names, (name) => {
    const id = conceptIds.get(name) ?? added.get(name);
    if (id !== undefined) return id;
    const next = known.length + added.size;
    added.set(name, next);
    // The row of a tenant is what makes it known at the next start.
    draft.setCounts(tenant, draft.counts(tenant));
    draft.put(draft.tables.concepts, numberKey(tenant, next), Buffer.from(name));
    draft.afterFlush(() => {
      known.push(name);
      conceptIds.set(name, next);
    });
    return next;
  });
}

/** Raises the epoch; never lowers it. Returns the one in force. */
export function fence(draft: Draft, epoch: number): number {
  acceptEpoch(draft, epoch);
  return draft.epoch;
}

/**
 * Drops stored episodes that were written before a time, without tombstones. Entries are written in order of time, so the
 * oldest come first in the log; tombstones among them stay.
 * @returns how many were dropped; fewer than `limit` means that none is left
 */
export function dropExpired(draft: Draft, tenant: string, beforeUnixMs: number, limit: number): number {
  const expired = oldestStored(draft, tenant, beforeUnixMs, limit);
  for (const { id, record } of expired) {
    dropEntry(draft, tenant, record);
    draft.remove(draft.tables.ids, idKey(tenant, id));
  }
  return expired.length;
}

/** Removes what is on disk of a sealed segment in which nothing is stored any more. */
export function dropSegment(draft: Draft, tenant: string, number: number): void {
  const { index } = draft.tenant(tenant);
  if (index.segment(number)?.live !== 0) return;
  const { postings, segments } = draft.tables;
  const range = { start: postingKey(tenant, number, 0), end: postingKey(tenant, number + 1, 0) };
  for (const key of postings.getKeys(range)) draft.remove(postings, key);
  draft.put(segments, segmentKey(tenant, number), droppedSegment);
  draft.afterFlush(() => index.drop(number));
}

function checkEpoch(draft: Draft, epoch: number): void {
  if (epoch < 0) throw invalidArgument('epoch', epoch, 'an epoch of at least 0');
  if (epoch >= draft.epoch) return;
  throw new ServiceError(
    'FAILED_PRECONDITION',
    `epoch: ${epoch} is older than the vault's epoch ${draft.epoch}; read the shard table again`,
  );
}

function acceptEpoch(draft: Draft, epoch: number): void {
  if (epoch > draft.epoch) draft.raiseEpoch(epoch);
}

function isStored(draft: Draft, tenant: string, { id, payload }: PreparedEpisode): boolean {
  const known = draft.findId(tenant, id);
  if (known === undefined) return false;
  if (known.kind === 'deleted') {
    throw new ServiceError('FAILED_PRECONDITION', `id: ${quote(id)} was deleted and is not accepted again`);
  }
  checkSame(id, draft.entry(tenant, known.sequence)!.payload, payload);
  return true;
}

function checkSame(id: string, stored: Buffer, given: Buffer): void {
  if (stored.equals(given)) return;
  throw new ServiceError('ALREADY_EXISTS', `id: ${quote(id)} already holds other content`);
}

function appendEpisode(draft: Draft, tenant: string, episode: PreparedEpisode): number {
  const { id, timeUnixMs, activations, payload } = episode;
  const sequence = draft.append(tenant, id, 'stored', payload);
  const counts = draft.counts(tenant);
  draft.setCounts(tenant, { ...counts, episodes: counts.episodes + 1 });
  draft.put(draft.tables.times, timeKey(tenant, timeUnixMs, id), u64(sequence));
  draft.afterFlush(() => {
    draft.tenant(tenant).index.add({ sequence, timeUnixMs, ...activations });
  });
  return sequence;
}

/** Removes a stored episode's entry and everything that leads to it but the id. */
function dropEntry(draft: Draft, tenant: string, { sequence }: IdRecord): void {
  const { payload, outboxSequence } = draft.entry(tenant, sequence)!;
  const { id, timeUnixMs } = Episode.decode(payload);
  draft.remove(draft.tables.log, logKey(tenant, sequence));
  draft.remove(draft.tables.outbox, u64(outboxSequence));
  draft.remove(draft.tables.times, timeKey(tenant, timeUnixMs, id));
  const counts = draft.counts(tenant);
  draft.setCounts(tenant, { ...counts, episodes: counts.episodes - 1 });
  draft.unindex(tenant, sequence);
}

function oldestStored(draft: Draft, tenant: string, beforeUnixMs: number, limit: number) {
  const expired: { readonly id: string; readonly record: IdRecord }[] = [];
  const range = { start: tenantPrefix(tenant), end: tenantEnd(tenant) };
  for (const { key, value } of draft.tables.log.getRange(range)) {
    const { kind, writtenUnixMs, payload } = decodeEntry(value);
    if (writtenUnixMs >= beforeUnixMs || expired.length >= limit) break;
    if (kind === 'deleted') continue;
    expired.push({ id: Episode.decode(payload).id, record: { kind, sequence: sequenceOfKey(key) } });
  }
  return expired;
}
