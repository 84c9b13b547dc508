import type { ChainableCommander, Redis } from 'ioredis';
import type { BusEvent } from '../bus.js';
import { decodeEvent, encodeEvent } from '../event-codec.js';

/**
 * What Redis holds of a source. The braces keep one source's keys on one node of a Redis Cluster.
 *
 * | key | type | what |
 * |---|---|---|
 * | `{prefix:source}:events` | stream | entry `<sequence>-0`: `e` the event, `p` the sequence that it follows |
 * | `{prefix:source}:log` | string | id of the log that the stream is of |
 * | `{prefix:source}:hints` | channel | the last sequence, after each append |
 */
export interface StreamKeys {
  readonly events: string;
  readonly log: string;
  readonly hints: string;
}

export function streamKeys(prefix: string, source: string): StreamKeys {
  const base = `{${prefix}:${source}}`;
  return { events: `${base}:events`, log: `${base}:log`, hints: `${base}:hints` };
}

/** An entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly sequence: number;
  /** Absent when the entry was dropped from the stream after it had been handed out. */
  readonly content?: {
    readonly event: BusEvent;
    /** Between this sequence and the event's there is no event: a reader who is further back has missed some. */
    readonly previous: number;
  };
}

/** What the stream says of itself. */
export interface StreamState {
  /** Log that it is of; undefined when Redis holds nothing of it. */
  readonly log: string | undefined;
  /** Highest sequence that was ever appended; 0 for none. */
  readonly last: number;
}

/** The id of a sequence's entry: sequences rise, so they can be ids, and the stream remembers how far it got. */
export function entryId(sequence: number): string {
  return `${sequence}-0`;
}

export function sequenceOf(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

export async function readState(redis: Redis, keys: StreamKeys): Promise<StreamState> {
  const [log, info] = await Promise.all([
    redis.get(keys.log),
    redis.call('XINFO', 'STREAM', keys.events).catch(nothingIfAbsent),
  ]);
  const id = fieldOf(info, 'last-generated-id');
  return { log: log ?? undefined, last: id === undefined ? 0 : sequenceOf(id) };
}

/**
 * Adds the commands that append events which follow each other.
 * @param previous sequence that the first one follows
 * @param keep about how many events stay
 */
export function appendEvents(
  pipeline: ChainableCommander,
  keys: StreamKeys,
  events: readonly BusEvent[],
  { previous, keep }: { readonly previous: number; readonly keep: number },
): void {
  let follows = previous;
  for (const event of events) {
    pipeline.xadd(keys.events, entryId(event.sequence), 'p', follows, 'e', encodeEvent(event));
    follows = event.sequence;
  }
  pipeline.xtrim(keys.events, 'MAXLEN', '~', keep);
  pipeline.publish(keys.hints, String(follows));
}

type RawEntry = [id: Buffer, fields: Buffer[] | null];

/** Reads one entry as Redis sends it. */
export function decodeEntry([id, fields]: RawEntry): StreamEntry {
  const text = id.toString();
  const place = { id: text, sequence: sequenceOf(text) };
  if (fields === null) return place;
  const field = (name: string) =>
    fields[fields.findIndex((one, k) => k % 2 === 0 && one.toString() === name) + 1]!;
  return { ...place, content: { event: decodeEvent(field('e')), previous: Number(field('p').toString()) } };
}

/** A value of a reply that lists names and values in turn. */
export function fieldOf(reply: unknown, name: string): string | undefined {
  if (!Array.isArray(reply)) return undefined;
  const at = reply.indexOf(name);
  return at < 0 ? undefined : String(reply[at + 1]);
}

/** Whether a command failed because its key or group does not exist. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && /no such key|NOGROUP/i.test(error.message);
}

function nothingIfAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}
