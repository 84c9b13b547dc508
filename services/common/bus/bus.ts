/**
 * The contract of the event bus: how a service tells others that something happened, without knowing them.
 *
 * **Publishing.** A service keeps an outbox beside its data: an {@link EventSource}, in which every event has a sequence
 * from 1. An event is written in the same transaction as the fact that it reports, so neither exists without the other;
 * it becomes visible to subscribers only once that transaction is flushed. Sequences rise and are never given twice; old
 * events may be dropped, so gaps are allowed.
 *
 * **Subscribing.** A subscriber names a source and the sequence after which it wants events, and keeps that cursor
 * itself, beside what it derives from the events. Delivery is in order and at least once: an event is handed over again
 * when its handler threw, when the connection broke before the cursor moved, and after a restart with an older cursor.
 * So handlers are idempotent by `eventId`. When a source has lost its log (a new volume), delivery starts over from the
 * first event; ids differ then. A cursor that comes with the id of its log is always recognised as belonging to another
 * one, a bare sequence only when it is past the new log's end.
 *
 * **Ending.** A subscription lives until its signal is aborted; a source that is away is waited for.
 *
 * Drivers hold this contract alike; `conformance.ts` is their common suite.
 */

/** One thing that happened. */
export interface BusEvent {
  /** Place in its source's outbox, from 1. */
  readonly sequence: number;
  /** Globally unique: `<log>:<sequence>`, see {@link logOf}. Stays the same when the event is delivered again. */
  readonly eventId: string;
  /** For example `episode.stored`, `sleep.committed`, `graph.pruned`, `modes.updated`. */
  readonly type: string;
  readonly tenant: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly timeUnixMs: number;
  /** Small facts about it; never the bytes of an episode. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Id of the log that an event belongs to: drawn when the log was begun, so a log that was lost has another one. */
export function logOf(event: BusEvent): string {
  return event.eventId.slice(0, event.eventId.lastIndexOf(':'));
}

/** A durable log of events that a driver can read: the publishing side of the contract. */
export interface EventSource {
  /** Id of the log, see {@link logOf}. */
  readonly log: string;
  /** Highest sequence whose transaction is flushed; 0 when there is none. */
  readonly lastSequence: number;
  /** Events above `after` in order of sequence, at most `limit`. */
  read(after: number, limit: number): readonly BusEvent[];
  /** Resolves at the next change of `lastSequence`, or when the signal is aborted; never rejects. */
  changed(signal: AbortSignal): Promise<void>;
}

/** What a subscriber asks for. */
export interface Subscription {
  /**
   * Events above this sequence are delivered: the cursor that the subscriber kept. Absent for one that keeps none: it
   * goes on where the driver remembers it to be, at the worst from the first event.
   */
  readonly after?: number | undefined;
  /** The log that the cursor came from; without it a lost log is recognised only when the new one is shorter. */
  readonly log?: string | undefined;
  /** Tells subscriptions of one service to one source apart; needed when there are several. */
  readonly name?: string;
  /** Ends the subscription. */
  readonly signal: AbortSignal;
  /**
   * Handles one event. The next one waits until it has resolved, so this is also the back-pressure. When it throws, the
   * same event comes again after a back-off.
   */
  readonly onEvent: (event: BusEvent) => Promise<void> | void;
  /** Told of every interruption before the driver tries again. */
  readonly onInterrupted?: (reason: Error) => void;
}

/** The subscribing side of the contract. */
export interface EventBus {
  /** Delivers a source's events. Resolves after `signal` is aborted and the last handler is done; never rejects. */
  subscribe(source: string, subscription: Subscription): Promise<void>;
}
