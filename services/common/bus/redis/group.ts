import type { Redis } from 'ioredis';
import {
  decodeEntry,
  entryId,
  fieldOf,
  isAbsent,
  sequenceOf,
  type StreamEntry,
  type StreamKeys,
} from './stream.js';

/** Entries of one read. */
const pageSize = 256;

/** One consumer of a consumer group of a source's stream. */
export interface Membership {
  readonly redis: Redis;
  readonly keys: StreamKeys;
  /** Name of the subscriber. */
  readonly group: string;
  /** Name of this process's part in it. */
  readonly consumer: string;
}

/** Where the group stands: everything up to there was handled; undefined when there is no group. */
export async function groupPosition({ redis, keys, group }: Membership): Promise<number | undefined> {
  const groups = (await redis.call('XINFO', 'GROUPS', keys.events).catch(absent)) ?? [];
  const own = (groups as unknown[]).find((one) => fieldOf(one, 'name') === group);
  if (own === undefined) return undefined;
  const [, oldestPending] = (await redis.xpending(keys.events, group)) as [number, string | null];
  if (oldestPending !== null) return sequenceOf(oldestPending) - 1;
  return sequenceOf(fieldOf(own, 'last-delivered-id') ?? entryId(0));
}

/** Makes the group, or moves it, so that what comes after a sequence is handed out next. */
export async function moveGroup({ redis, keys, group }: Membership, after: number): Promise<void> {
  try {
    await redis.xgroup('CREATE', keys.events, group, entryId(after), 'MKSTREAM');
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('BUSYGROUP')) throw error;
    await redis.xgroup('SETID', keys.events, group, entryId(after));
  }
}

/** Entries that this consumer was handed and has not acknowledged (`pending`), or that no consumer was handed (`new`). */
export async function readGroup(
  { redis, keys, group, consumer }: Membership,
  which: 'pending' | 'new',
): Promise<StreamEntry[]> {
  const from = which === 'new' ? '>' : '0';
  const reply = await redis.xreadgroupBuffer(
    'GROUP',
    group,
    consumer,
    'COUNT',
    pageSize,
    'STREAMS',
    keys.events,
    from,
  );
  return (reply?.[0]?.[1] ?? []).map(decodeEntry);
}

export async function acknowledge({ redis, keys, group }: Membership, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await redis.xack(keys.events, group, ...ids);
}

/**
 * Takes over what other consumers of the group were handed and did not acknowledge for a time, and forgets consumers that
 * have nothing left and are as stale. Returns whether something was taken over; it is `pending` then.
 */
export async function takeOverStale(membership: Membership, staleMs: number): Promise<boolean> {
  const { redis, keys, group, consumer } = membership;
  const [, claimed] = (await redis.xautoclaim(
    keys.events,
    group,
    consumer,
    staleMs,
    '0-0',
    'COUNT',
    pageSize,
    'JUSTID',
  )) as [string, string[]];
  const consumers = (await redis.call('XINFO', 'CONSUMERS', keys.events, group)) as unknown[];
  for (const other of consumers) {
    const name = fieldOf(other, 'name');
    const idle = Number(fieldOf(other, 'idle'));
    if (name === undefined || name === consumer || fieldOf(other, 'pending') !== '0' || idle < staleMs)
      continue;
    await redis.xgroup('DELCONSUMER', keys.events, group, name);
  }
  return claimed.length > 0;
}

function absent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}
