import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import { decodeActivations, decodeU32 } from '../common/activations/activations.js';
import { invalidArgument } from '../common/errors.js';
import type { PreparedEpisode } from './storage/changes.js';
import { encodeEpisode } from './storage/records.js';

/** Limits of a request, as the protocol states them. */
export const limits = {
  idBytes: 256,
  nameBytes: 256,
  names: 65_536,
  metaEntries: 64,
  metaBytes: 16 * 1024,
  episodeBytes: 1024 * 1024,
  batchEpisodes: 1024,
  queryConcepts: 1024,
  rankLimit: 1000,
  digestIds: 4096,
} as const;

/** Furthest time from the epoch that a date can have, in milliseconds (ECMA-262, 21.4.1.1). */
const maxTimeUnixMs = 8.64e15;

/**
 * Checks an episode and encodes it.
 * @param conceptCount size of the tenant's dictionary: ids from it on were never given
 * @param field name used in errors
 * @throws INVALID_ARGUMENT
 */
export function prepareEpisode(
  episode: Episode | undefined,
  conceptCount: number,
  field: string,
): PreparedEpisode {
  if (episode === undefined) throw invalidArgument(field, undefined, 'an episode');
  checkText(`${field}.id`, episode.id, limits.idBytes);
  if (Math.abs(episode.timeUnixMs) > maxTimeUnixMs) {
    throw invalidArgument(`${field}.time_unix_ms`, episode.timeUnixMs, `at most ${maxTimeUnixMs} from 0`);
  }
  checkMeta(`${field}.meta`, episode.meta);
  const activations = decodeActivations(episode.activations, `${field}.activations`);
  checkKnown(`${field}.activations.concept_ids`, activations.ids, conceptCount);
  const payload = encodeEpisode(episode);
  if (payload.length > limits.episodeBytes) {
    throw invalidArgument(field, `${payload.length} bytes`, `at most ${limits.episodeBytes} bytes`);
  }
  return { id: episode.id, timeUnixMs: episode.timeUnixMs, activations, payload };
}

/** Checks an id or a name: 1 to `maxBytes` bytes of UTF-8 without control characters. */
export function checkText(field: string, text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes >= 1 && bytes <= maxBytes && !/\p{Cc}/u.test(text)) return;
  throw invalidArgument(field, text, `1 to ${maxBytes} bytes of UTF-8 without control characters`);
}

/** Checks the number of elements of a repeated field. */
export function checkCount(field: string, count: number, least: number, most: number): void {
  if (count >= least && count <= most) return;
  throw invalidArgument(field, `${count} elements`, `${least} to ${most} elements`);
}

/** Checks a cursor of the log. */
export function checkCursor(field: string, sequence: number): void {
  if (sequence < 0) throw invalidArgument(field, sequence, 'a sequence of at least 0');
}

/** Reads the concepts of a query; repetitions count once. */
export function queriedConcepts(bytes: Uint8Array): Uint32Array {
  const ids = decodeU32(bytes, 'concept_ids');
  checkCount('concept_ids', ids.length, 1, limits.queryConcepts);
  return Uint32Array.from(new Set(ids));
}

/** Reads a cursor of List: the place after an episode. */
export function listCursor(cursor: string): Buffer | undefined {
  if (cursor === '') return undefined;
  const place = Buffer.from(cursor, 'base64url');
  // A time of 8 bytes and an id of at least one.
  if (place.length < 9) throw invalidArgument('after_cursor', cursor, 'a cursor that List gave');
  return place;
}

function checkMeta(field: string, meta: Readonly<Record<string, string>>): void {
  const entries = Object.entries(meta);
  if (entries.length > limits.metaEntries) {
    throw invalidArgument(field, `${entries.length} entries`, `at most ${limits.metaEntries} entries`);
  }
  const bytes = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > limits.metaBytes) {
    throw invalidArgument(field, `${bytes} bytes`, `at most ${limits.metaBytes} bytes`);
  }
}

/** Ids ascend, so the last one tells. */
function checkKnown(field: string, ids: Uint32Array, conceptCount: number): void {
  const last = ids[ids.length - 1]!;
  if (last < conceptCount) return;
  throw invalidArgument(
    `${field}[${ids.length - 1}]`,
    last,
    `an id that InternConcepts gave: below ${conceptCount}`,
  );
}
