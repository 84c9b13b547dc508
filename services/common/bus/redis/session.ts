import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { backoffMs } from '../backoff.js';
import type { RedisSettings } from './settings.js';

/** What keeping a connection needs. */
export interface SessionOptions {
  readonly settings: RedisSettings;
  readonly signal: AbortSignal;
  /** Spreads reconnects. */
  readonly random: () => number;
  /** Told of the end of every connection, before the next attempt. */
  readonly onInterrupted: (reason: Error) => void;
}

/** Open connections to one Redis; they live and end together. */
export interface Session {
  readonly redis: Redis;
  /** Connects once more, for subscriptions to channels. */
  another(): Promise<Redis>;
  /** To be called when the work goes well: the next interruption counts as the first one. */
  healthy(): void;
}

/** How long the last acknowledgements may take after the signal was aborted. */
const farewellMs = 1_000;

/**
 * Runs `work` over a fresh connection, again after each failure with growing pauses, until the signal is aborted. A new
 * connection is a new beginning on purpose: what Redis holds may be older than what the last connection saw.
 * Never rejects.
 */
export async function keepSession(
  options: SessionOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { settings, signal, random, onInterrupted } = options;
  const aborted = () => signal.aborted;
  let failures = 0;
  while (!aborted()) {
    const connections: Connection[] = [];
    const open = async () => {
      const connection = connectionTo(settings);
      connections.push(connection);
      await connection.ready();
      // They end together: one that went unnoticed would leave the work half deaf.
      connection.redis.once('end', () => connections.forEach((other) => other.redis.disconnect()));
      return connection.redis;
    };
    const ending = new AbortController();
    const cut = cutAfterFarewell(signal, ending.signal, connections);
    try {
      const redis = await open();
      await work({ redis, another: open, healthy: () => (failures = 0) });
    } catch (error) {
      failures += 1;
      if (!aborted()) onInterrupted(reasonOf(error, connections));
    } finally {
      ending.abort();
      for (const { redis } of connections) redis.disconnect();
      await cut;
    }
    await sleep(backoffMs(failures, random), undefined, { signal }).catch(() => undefined);
  }
}

interface Connection {
  readonly redis: Redis;
  /** Why it broke; undefined while it has not. */
  readonly broken: () => Error | undefined;
  ready(): Promise<void>;
}

function connectionTo({ address, timing: { answerMs } }: RedisSettings): Connection {
  const redis = new Redis({
    ...address(),
    lazyConnect: true,
    // The session is the retry: nothing is queued or sent again behind its back.
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: answerMs,
    commandTimeout: answerMs,
    maxLoadingRetryTime: answerMs,
    disconnectTimeout: 100,
  });
  let broken: Error | undefined;
  redis.on('error', (error: Error) => (broken = error));
  return { redis, broken: () => broken, ready: () => redis.connect() };
}

/** ioredis rejects commands with "Connection is closed."; the cause is what the connection told before. */
function reasonOf(thrown: unknown, connections: readonly Connection[]): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const cause = connections.map(({ broken }) => broken()).find((reason) => reason !== undefined);
  // A new error: those of ioredis carry the command, and with it the password of an AUTH.
  return new Error((/connection is closed/i.test(error.message) ? (cause ?? error) : error).message);
}

/** Once the signal is aborted, an answer that does not come must not hold the end up. */
async function cutAfterFarewell(
  signal: AbortSignal,
  ended: AbortSignal,
  connections: readonly Connection[],
): Promise<void> {
  const either = AbortSignal.any([signal, ended]);
  if (!either.aborted) {
    await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }));
  }
  await sleep(farewellMs, undefined, { signal: ended, ref: false }).catch(() => undefined);
  for (const { redis } of connections) redis.disconnect();
}
