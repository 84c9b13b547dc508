import { Episode, Tombstone } from '../../../proto/gen/tori/memory/v1/types.js';
import type { ReplayResponse } from '../../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { decodeActivations } from '../../common/activations/activations.js';
import type { BusEvent } from '../../common/bus/bus.js';
import { digest } from '../domain/digest.js';
import { idKey, logKey, readU64, sequenceOfKey, tenantEnd, tenantPrefix, timeKey, u64 } from './keys.js';
import { decodeEntry, decodeId, decodeOutbox, type IdRecord } from './records.js';
import type { Tables } from './tables.js';

/** What is known of an id. */
export function findId(tables: Tables, tenant: string, id: string): IdRecord | undefined {
  const bytes = tables.ids.get(idKey(tenant, id));
  return bytes === undefined ? undefined : decodeId(bytes);
}

/** The episode stored at a sequence; undefined when it is gone or the entry is a tombstone. */
export function episodeAt(tables: Tables, tenant: string, sequence: number): Episode | undefined {
  const bytes = tables.log.get(logKey(tenant, sequence));
  if (bytes === undefined) return undefined;
  const { kind, payload } = decodeEntry(bytes);
  return kind === 'stored' ? Episode.decode(payload) : undefined;
}

/** Entries of a tenant's log above `after` and up to `last`, at most `limit`. */
export function entriesAfter(
  tables: Tables,
  tenant: string,
  { after, last }: { readonly after: number; readonly last: number },
  limit: number,
): ReplayResponse[] {
  const range = { start: logKey(tenant, after + 1), end: logKey(tenant, last + 1), limit };
  return Array.from(tables.log.getRange(range), ({ key, value }) => {
    const { kind, payload } = decodeEntry(value);
    const sequence = sequenceOfKey(key);
    return kind === 'stored'
      ? { sequence, entry: { $case: 'stored', value: Episode.decode(payload) } }
      : { sequence, entry: { $case: 'deleted', value: Tombstone.decode(payload) } };
  });
}

/** Events of the outbox above `after` and up to `last`, at most `limit`. */
export function eventsAfter(
  tables: Tables,
  { after, last }: { readonly after: number; readonly last: number },
  limit: number,
): BusEvent[] {
  const range = { start: u64(after + 1), end: u64(last + 1), limit };
  return Array.from(tables.outbox.getRange(range), ({ key, value }) => {
    const record = decodeOutbox(value);
    const sequence = readU64(key);
    return {
      sequence,
      eventId: `${tables.identity}:${sequence}`,
      type: `episode.${record.kind}`,
      tenant: record.tenant,
      timeUnixMs: record.writtenUnixMs,
      attributes: { sequence: String(record.sequence), id: record.id },
    };
  });
}

/** Where a walk through the time index begins and ends. */
export interface TimeRange {
  readonly fromUnixMs: number | undefined;
  readonly toUnixMs: number | undefined;
  /** Place after which to begin: what an earlier page gave. */
  readonly after: Buffer | undefined;
}

/** One episode of a walk in order of time, then id. */
export interface TimedEpisode {
  readonly episode: Episode;
  /** Names the place after it. */
  readonly place: Buffer;
}

/** The next episodes of a walk through time, at most `limit`. */
export function episodesByTime(
  tables: Tables,
  tenant: string,
  range: TimeRange,
  limit: number,
): TimedEpisode[] {
  const prefix = tenantPrefix(tenant);
  const earliest = range.fromUnixMs === undefined ? prefix : timeKey(tenant, range.fromUnixMs);
  const resumed = range.after === undefined ? prefix : Buffer.concat([prefix, range.after, Buffer.of(0)]);
  const start = Buffer.compare(earliest, resumed) > 0 ? earliest : resumed;
  const end = range.toUnixMs === undefined ? tenantEnd(tenant) : timeKey(tenant, range.toUnixMs);
  const found: TimedEpisode[] = [];
  for (const { key, value } of tables.times.getRange({ start, end, limit })) {
    const episode = episodeAt(tables, tenant, readU64(value));
    if (episode !== undefined) found.push({ episode, place: key.subarray(prefix.length) });
  }
  return found;
}

/** Digest of a stored episode, with concepts by name. */
export function digestOf(episode: Episode, names: readonly string[]): Buffer {
  const { ids, values } = decodeActivations(episode.activations);
  return digest({ ...episode, names: Array.from(ids, (id) => names[id]!), values });
}
