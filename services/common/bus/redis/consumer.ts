import { randomUUID } from 'node:crypto';
import { backoffMs } from '../backoff.js';
import { logOf, type BusEvent, type Subscription } from '../bus.js';
import { Changes } from '../changes.js';
import { ServiceError } from '../../errors.js';
import type { BrokerConsumerMetrics, Path } from '../metrics.js';
import type { OutboxReader } from '../outbox-reader.js';
import { pause, rest } from '../rest.js';
import { acknowledge, groupPosition, moveGroup, readGroup, takeOverStale, type Membership } from './group.js';
import { keepSession, type Session, type SessionOptions } from './session.js';
import { isAbsent, readState, streamKeys, type StreamEntry, type StreamKeys } from './stream.js';

/** One subscription through Redis. */
export interface ConsumerOptions extends SessionOptions {
  readonly source: string;
  /** Name of the subscriber: its consumer group. */
  readonly group: string;
  readonly subscription: Subscription;
  readonly outbox: OutboxReader;
  readonly metrics: BrokerConsumerMetrics;
}

/** Pause before the stream is looked at anew, in which a relay can bring it in order. */
const rejoinMs = 100;

/** The handler threw: the same event has to come again. */
class Refusal extends Error {}
/** What Redis holds is no longer what was joined: look at it anew. */
class Rejoin extends Error {}

/**
 * Delivers a source's events from its stream, as the contract in `bus.ts` says.
 *
 * The subscriber's cursor is the truth. Each entry names the sequence that it follows, so a gap between the cursor and an
 * entry is always seen, whatever Redis lost or dropped, and is filled from the outbox before the entry is handed over.
 * The group tells Redis and its observers what is delivered and pending, lets a successor find what a dead consumer left,
 * and is the memory of a subscriber that keeps no cursor.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #keys: StreamKeys;
  readonly #woken = new Changes();
  readonly #consumer = randomUUID();
  /** Last sequence handled; undefined until it is known where to begin. */
  #cursor: number | undefined;
  /** Log that the cursor counts. */
  #log: string | undefined;
  /** Log that the stream was of when it was joined. */
  #streamLog: string | undefined;
  /** Highest sequence known to be in the stream. */
  #last = 0;
  #failures = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#keys = streamKeys(options.settings.prefix, options.source);
    this.#cursor = options.subscription.after;
    this.#log = options.subscription.log;
  }

  async run(): Promise<void> {
    await keepSession(this.#options, (session) => this.#consume(session));
    this.#options.metrics.connected(false);
  }

  async #consume(session: Session): Promise<void> {
    const { metrics, signal, group } = this.#options;
    const membership = { redis: session.redis, keys: this.#keys, group, consumer: this.#consumer };
    try {
      await this.#listen(await session.another());
      while (!signal.aborted) {
        await this.#joinAndFollow(membership, session).catch(unlessRejoining);
        await pause(rejoinMs, signal);
      }
    } finally {
      metrics.connected(false);
    }
  }

  async #joinAndFollow(membership: Membership, session: Session): Promise<void> {
    await this.#join(membership);
    this.#options.metrics.connected(true);
    session.healthy();
    await this.#follow(membership);
  }

  /** Hints shorten the rest; one that is lost costs no more than the rest. */
  async #listen(hints: Session['redis']): Promise<void> {
    hints.on('message', (_channel: string, text: string) => {
      this.#see(Number(text));
      this.#woken.announce();
    });
    await hints.subscribe(this.#keys.hints);
  }

  /** Compares the cursor with what Redis and, in doubt, the outbox hold, and lets the group go on after it. */
  async #join(membership: Membership): Promise<void> {
    const { log, last } = await readState(membership.redis, this.#keys);
    if (log !== undefined && this.#log !== undefined && log !== this.#log) this.#startOver();
    this.#cursor ??= (await groupPosition(membership)) ?? 0;
    this.#last = last;
    this.#streamLog = log;
    // The stream is behind: it forgot something, or the cursor is of a log that is no more. The outbox knows.
    if (log !== undefined && last < this.#cursor) await this.#readOutbox(Infinity, this.#log);
    await moveGroup(membership, this.#cursor);
    this.#showLag();
  }

  async #follow(membership: Membership): Promise<void> {
    const { signal, settings } = this.#options;
    let which: 'pending' | 'new' = 'new';
    let lookAt = performance.now() + settings.timing.restMs;
    while (!signal.aborted) {
      const known = this.#last;
      const entries = await readGroup(membership, which);
      if (entries.length > 0) {
        which = (await this.#take(membership, entries)) ? which : 'pending';
      } else if (which === 'pending') {
        which = 'new';
      } else {
        await this.#restOrCatchUp(known);
      }
      if (performance.now() < lookAt) continue;
      lookAt = performance.now() + settings.timing.restMs;
      if (await this.#look(membership)) which = 'pending';
    }
  }

  /**
   * Rests when everything was handled. What the stream is known to have had but does not hand out was dropped from it or
   * went to another consumer of the group: it is read from the outbox.
   */
  async #restOrCatchUp(known: number): Promise<void> {
    if (known > this.#cursor!) {
      if (this.#streamLog === undefined) throw new Rejoin();
      await this.#readOutbox(known, this.#streamLog);
    } else if (this.#last <= this.#cursor!) {
      await this.#rest();
    }
  }

  /** Sees whether the stream is still the one that was joined. Returns whether entries of a dead consumer were taken over. */
  async #look(membership: Membership): Promise<boolean> {
    const { log, last } = await readState(membership.redis, this.#keys);
    const replaced = log !== undefined && this.#log !== undefined && log !== this.#log;
    if (replaced || (log !== undefined && last < this.#cursor!)) throw new Rejoin();
    this.#see(last);
    this.#showLag();
    return takeOverStale(membership, this.#options.settings.timing.staleMs);
  }

  /** Hands entries over in order and acknowledges those that were handled. False when the handler refused one. */
  async #take(membership: Membership, entries: readonly StreamEntry[]): Promise<boolean> {
    const { signal, subscription, random } = this.#options;
    const done: string[] = [];
    try {
      for (const entry of entries) {
        if (signal.aborted) return true;
        await this.#takeOne(entry);
        done.push(entry.id);
      }
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      subscription.onInterrupted?.(ServiceError.from(error.cause));
      this.#failures += 1;
      await pause(backoffMs(this.#failures, random), signal);
      return false;
    } finally {
      await acknowledge(membership, done);
      this.#showLag();
    }
  }

  async #takeOne({ sequence, content }: StreamEntry): Promise<void> {
    this.#see(sequence);
    // Of an entry that was dropped nothing is known but its place; the one after it shows what is missing.
    if (sequence <= this.#cursor! || content === undefined) return;
    const { event, previous } = content;
    const log = logOf(event);
    if (this.#log !== undefined && log !== this.#log) throw new Rejoin();
    if (previous > this.#cursor!) await this.#readOutbox(previous, log);
    if (!this.#options.signal.aborted) await this.#deliver(event, 'stream');
  }

  /**
   * Delivers from the outbox what comes after the cursor, up to a sequence.
   * @param log the one that both are of
   */
  async #readOutbox(upTo: number, log: string | undefined): Promise<void> {
    const { outbox, signal } = this.#options;
    try {
      for await (const event of outbox.read(this.#cursor!, log)) {
        if (event.sequence > upTo || signal.aborted) break;
        await this.#deliver(event, 'outbox');
      }
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'FAILED_PRECONDITION') throw error;
      this.#startOver();
      throw new Rejoin();
    }
    if (upTo !== Infinity && !signal.aborted) this.#cursor = Math.max(this.#cursor!, upTo);
  }

  async #deliver(event: BusEvent, path: Path): Promise<void> {
    const { subscription, metrics } = this.#options;
    try {
      await subscription.onEvent(event);
    } catch (cause) {
      metrics.refused();
      throw new Refusal('the handler refused an event', { cause });
    }
    this.#cursor = event.sequence;
    this.#log = logOf(event);
    this.#failures = 0;
    metrics.handled(path);
  }

  /** The log was replaced: what the cursor counted is gone. */
  #startOver(): void {
    this.#cursor = 0;
    this.#log = undefined;
  }

  #see(sequence: number): void {
    this.#last = Math.max(this.#last, sequence);
  }

  #showLag(): void {
    this.#options.metrics.lag(Math.max(0, this.#last - this.#cursor!));
  }

  async #rest(): Promise<void> {
    const { signal, settings } = this.#options;
    await rest(settings.timing.restMs, signal, (until) => this.#woken.next(until));
  }
}

function unlessRejoining(error: unknown): void {
  if (!(error instanceof Rejoin) && !isAbsent(error)) throw error;
}
