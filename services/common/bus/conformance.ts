import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { logOf, type BusEvent, type EventBus } from './bus.js';

/** One source under test. */
export interface PublishingFixture {
  /** Publishes durably an event of this type, in the driver's own way. */
  publish(type: string): Promise<void>;
  /** Breaks the path from source to subscribers until {@link restore}; published events are kept. */
  interrupt(): Promise<void>;
  restore(): Promise<void>;
  /** Replaces the log by an empty one, as after the loss of a volume. */
  lose(): Promise<void>;
}

/** What a driver provides for each case; sources begin empty. */
export interface BusFixture {
  readonly bus: EventBus;
  /** The source that `source` names. */
  readonly publisher: PublishingFixture;
  readonly source: string;
  close(): Promise<void>;
}

/** A case of the contract in `bus.ts`: its name and what must hold. */
export interface ConformanceCase {
  readonly name: string;
  run(fixture: BusFixture): Promise<void>;
}

/** Every driver passes these, each on a fresh fixture. Failures are thrown as assertion errors. */
export const busConformance: readonly ConformanceCase[] = [
  {
    name: 'delivers what was published before and after the subscription, in order',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b']);
      const subscriber = subscribe(fixture, 0);
      await subscriber.has(2);
      await publishAll(fixture, ['c']);
      await subscriber.has(3);
      await subscriber.end();
      assert.deepEqual(subscriber.types(), ['a', 'b', 'c']);
      assertRising(subscriber.events);
      assert.equal(new Set(subscriber.events.map((event) => event.eventId)).size, 3);
    },
  },
  {
    name: 'resumes after the cursor that the subscriber kept',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b', 'c']);
      const first = subscribe(fixture, 0);
      await first.has(2);
      await first.end();
      const second = subscribe(fixture, first.events[1]!.sequence);
      await second.has(1);
      await second.end();
      assert.deepEqual(second.types(), ['c']);
    },
  },
  {
    name: 'delivers the same event again, under the same id, when the handler threw',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b']);
      const subscriber = subscribe(fixture, 0, { failures: 1 });
      await subscriber.has(3);
      await subscriber.end();
      assert.deepEqual(subscriber.types(), ['a', 'a', 'b']);
      assert.equal(subscriber.events[0]!.eventId, subscriber.events[1]!.eventId);
    },
  },
  {
    name: 'serves each subscriber everything',
    async run(fixture) {
      const subscribers = [subscribe(fixture, 0, { name: 'one' }), subscribe(fixture, 0, { name: 'two' })];
      await publishAll(fixture, ['a', 'b']);
      for (const subscriber of subscribers) {
        await subscriber.has(2);
        await subscriber.end();
        assert.deepEqual(subscriber.types(), ['a', 'b']);
      }
    },
  },
  {
    name: 'carries on after an interruption without losing an event',
    async run(fixture) {
      await publishAll(fixture, ['a']);
      const subscriber = subscribe(fixture, 0);
      await subscriber.has(1);
      await fixture.publisher.interrupt();
      await publishAll(fixture, ['b']);
      await fixture.publisher.restore();
      await subscriber.has(2);
      await subscriber.end();
      assert.deepEqual(subscriber.types(), ['a', 'b']);
    },
  },
  {
    name: 'starts over when the log was lost',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b', 'c']);
      const subscriber = subscribe(fixture, 0);
      await subscriber.has(3);
      await fixture.publisher.lose();
      await publishAll(fixture, ['d']);
      await subscriber.has(4);
      await subscriber.end();
      assert.equal(subscriber.types()[3], 'd');
      assert.ok(!subscriber.events.slice(0, 3).some((old) => old.eventId === subscriber.events[3]!.eventId));
    },
  },
  {
    name: 'starts over when a log took the place of the one that the cursor is of, also one that is longer',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b']);
      const first = subscribe(fixture, 0);
      await first.has(2);
      await first.end();
      await fixture.publisher.lose();
      await publishAll(fixture, ['c', 'd', 'e']);
      const second = subscribe(fixture, 2, { log: logOf(first.events[1]!) });
      await second.has(3);
      await second.end();
      assert.deepEqual(second.types(), ['c', 'd', 'e']);
    },
  },
  {
    name: 'delivers from the first event on to a subscriber that is not remembered and kept no cursor',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b']);
      const subscriber = subscribe(fixture, undefined);
      await subscriber.has(2);
      await subscriber.end();
      assert.deepEqual(subscriber.types(), ['a', 'b']);
    },
  },
  {
    name: 'hands over one at a time, and none before the one that is refused again and again',
    async run(fixture) {
      await publishAll(fixture, ['a', 'b', 'c']);
      const subscriber = subscribe(fixture, 1, { failures: 3 });
      await subscriber.has(5);
      await subscriber.end();
      assert.deepEqual(subscriber.types(), ['b', 'b', 'b', 'b', 'c']);
    },
  },
  {
    name: 'keeps order and loses nothing while the path breaks again and again',
    async run(fixture) {
      const subscriber = subscribe(fixture, 0);
      const types = Array.from({ length: 300 }, (_, k) => `event-${k}`);
      for (let k = 0; k < types.length; k += 100) {
        await publishAll(fixture, types.slice(k, k + 50));
        await fixture.publisher.interrupt();
        await publishAll(fixture, types.slice(k + 50, k + 100));
        await fixture.publisher.restore();
      }
      await subscriber.has(types.length);
      await subscriber.end();
      assert.deepEqual([...new Set(subscriber.types())], types);
    },
  },
  {
    name: 'ends when the signal is aborted, also while the source is away',
    async run(fixture) {
      await fixture.publisher.interrupt();
      const subscriber = subscribe(fixture, 0);
      await subscriber.end();
      assert.equal(subscriber.events.length, 0);
      await fixture.publisher.restore();
    },
  },
];

async function publishAll(fixture: BusFixture, types: readonly string[]): Promise<void> {
  for (const type of types) await fixture.publisher.publish(type);
}

interface Wish {
  /** How many deliveries the handler refuses first, after noting them. */
  readonly failures?: number;
  readonly log?: string;
  readonly name?: string;
}

function subscribe({ bus, source }: BusFixture, after: number | undefined, wish: Wish = {}) {
  const { failures = 0, ...about } = wish;
  const events: BusEvent[] = [];
  const abort = new AbortController();
  let refusals = failures;
  const ended = bus.subscribe(source, {
    after,
    ...about,
    signal: abort.signal,
    onEvent: (event) => {
      events.push(event);
      refusals -= 1;
      if (refusals >= 0) throw new Error('refused on purpose');
    },
  });
  return {
    events,
    types: () => events.map((event) => event.type),
    async has(count: number) {
      const giveUp = AbortSignal.timeout(20_000);
      while (events.length < count) {
        assert.ok(!giveUp.aborted, `received ${events.length} of ${count} events`);
        await sleep(5);
      }
    },
    async end() {
      abort.abort();
      await ended;
    },
  };
}

function assertRising(events: readonly BusEvent[]): void {
  const sequences = events.map((event) => event.sequence);
  assert.deepEqual(
    sequences,
    [...new Set(sequences)].sort((a, b) => a - b),
  );
}
