import { randomUUID } from 'node:crypto';
import type { Database } from 'lmdb';
import type { BusEvent, EventSource } from './bus.js';
import { Changes } from './changes.js';
import { decodeEvent, encodeEvent } from './event-codec.js';

/** What a service says of an event; the outbox adds its place and its id. */
export type NewEvent = Omit<BusEvent, 'sequence' | 'eventId'>;

/** Key 0 holds the log's own id, so that events of a log that was lost and begun again have other ids. */
const identityKey = 0;

/**
 * A durable outbox in an lmdb database of the service's own environment. The database is opened by its owner with
 * `{ keyEncoding: 'uint32', encoding: 'binary' }`.
 *
 * Call {@link append} inside the owner's transaction and {@link announce} after that transaction is flushed.
 */
export class Outbox implements EventSource {
  readonly #database: Database<Buffer, number>;
  readonly #keep: number;
  readonly #changes = new Changes();
  readonly #identity: string;
  #last: number;
  #appended: number;

  /** @param keep how many of the newest events stay */
  constructor(database: Database<Buffer, number>, keep = 100_000) {
    this.#database = database;
    this.#keep = keep;
    const identity = database.get(identityKey)?.toString() ?? randomUUID();
    if (!database.doesExist(identityKey)) database.putSync(identityKey, Buffer.from(identity));
    this.#identity = identity;
    const [newest = identityKey] = database.getKeys({ reverse: true, limit: 1 });
    this.#last = newest;
    this.#appended = newest;
  }

  get log(): string {
    return this.#identity;
  }

  get lastSequence(): number {
    return this.#last;
  }

  /** Adds an event to the surrounding transaction and drops the one that falls out of the window. */
  append(event: NewEvent): void {
    this.#appended += 1;
    const sequence = this.#appended;
    const eventId = `${this.#identity}:${sequence}`;
    void this.#database.put(sequence, encodeEvent({ ...event, sequence, eventId }));
    if (sequence > this.#keep) void this.#database.remove(sequence - this.#keep);
  }

  /** Makes everything appended so far visible. A sequence whose transaction was rolled back stays a gap. */
  announce(): void {
    this.#last = this.#appended;
    this.#changes.announce();
  }

  read(after: number, limit: number): readonly BusEvent[] {
    const start = Math.max(after, identityKey) + 1;
    const entries = this.#database.getRange({ start, end: this.#last + 1, limit });
    return Array.from(entries, ({ value }) => decodeEvent(value));
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }
}
