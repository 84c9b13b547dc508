import type { Redis } from 'ioredis';
import type { BusEvent, EventSource } from '../bus.js';
import type { RelayMetrics } from '../metrics.js';
import { rest } from '../rest.js';
import { keepSession, type Session, type SessionOptions } from './session.js';
import { appendEvents, readState, streamKeys, type StreamKeys } from './stream.js';

/** Events of one append. */
const pageSize = 512;

/** What a relay moves. */
export interface RelayOptions extends SessionOptions {
  /** Name of the source on the bus. */
  readonly name: string;
  readonly source: EventSource;
  readonly metrics: RelayMetrics;
  /** Told when the stream is being filled, at first and after each interruption. */
  readonly onConnected: () => void;
}

/**
 * Moves a source's events to its stream, in order, until the signal is aborted; never rejects.
 *
 * The place that it has reached is kept in the stream itself, whose entries have the sequences as their ids: it is written
 * by the very command that appends the event, so that neither a crash here nor a Redis that forgot its last second, or
 * everything, can make the two differ. What a refilled stream no longer holds is read from the outbox by subscribers.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #keys: StreamKeys;
  /** Everything up to here is in the stream or was dropped from the outbox. */
  #position: number;
  /** Last sequence that was appended. */
  #appended = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#keys = streamKeys(options.settings.prefix, options.name);
    this.#position = options.source.lastSequence;
  }

  /** Sequences that are not in the stream yet; before Redis was first reached, those since the start. */
  get lag(): number {
    return Math.max(0, this.#options.source.lastSequence - this.#position);
  }

  async run(): Promise<void> {
    await keepSession(this.#options, (session) => this.#relay(session));
    this.#options.metrics.connected(false);
  }

  async #relay(session: Session): Promise<void> {
    const { metrics, signal, onConnected } = this.#options;
    const { redis } = session;
    try {
      await this.#adopt(redis);
      metrics.connected(true);
      session.healthy();
      onConnected();
      while (!signal.aborted) {
        if (await this.#append(redis)) continue;
        if (await this.#rest()) continue;
        const { last } = await readState(redis, this.#keys);
        if (last === this.#appended) continue;
        metrics.refilled();
        await this.#adopt(redis);
      }
    } finally {
      metrics.connected(false);
    }
  }

  /** Finds out how far the stream got, and begins a new one when it is of another log. */
  async #adopt(redis: Redis): Promise<void> {
    const { source, settings } = this.#options;
    const { log, last } = await readState(redis, this.#keys);
    // A stream that is ahead of its source is of a log that was put back to an older state.
    const foreign = last > 0 && (log !== source.log || last > source.lastSequence);
    const transaction = redis.multi();
    if (foreign) transaction.del(this.#keys.events);
    await transaction.set(this.#keys.log, source.log).exec();
    this.#appended = foreign ? 0 : last;
    // Older ones would be dropped at once to keep the stream's bound.
    this.#position = this.#appended || Math.max(0, source.lastSequence - settings.streamEvents);
  }

  /** Appends the next events; false when there are none. */
  async #append(redis: Redis): Promise<boolean> {
    const { source, settings, metrics } = this.#options;
    const end = source.lastSequence;
    const events = source.read(this.#position, pageSize);
    if (events.length === 0) {
      this.#position = Math.max(this.#position, end);
      return false;
    }
    const transaction = redis.multi().set(this.#keys.log, source.log);
    appendEvents(transaction, this.#keys, events, {
      previous: this.#position,
      keep: settings.streamEvents,
    });
    succeeded(await transaction.exec());
    this.#position = lastOf(events);
    this.#appended = this.#position;
    metrics.relayed(events.length);
    return true;
  }

  /** Waits for the next event. False when none came within the time of rest. */
  async #rest(): Promise<boolean> {
    const { source, signal, settings } = this.#options;
    const more = () => source.lastSequence > this.#position;
    if (!more()) await rest(settings.timing.restMs, signal, (until) => source.changed(until));
    return more();
  }
}

function lastOf(events: readonly BusEvent[]): number {
  return events.at(-1)!.sequence;
}

/** A transaction's replies hold the errors of its commands. */
function succeeded(replies: readonly [error: Error | null, result: unknown][] | null): void {
  const error =
    replies === null ? new Error('the transaction was refused') : replies.find(([one]) => one)?.[0];
  if (error) throw error;
}
