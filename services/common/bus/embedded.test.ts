import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openLog, publishingService, publishingToken } from '../../../test/harness/publishing-service.js';
import { EventLogService, type EventLogServer } from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import { connect } from '../clients/client.js';
import { busConformance, type BusFixture } from './conformance.js';
import { embeddedBus } from './embedded.js';

describe('the embedded driver keeps the contract of the bus', () => {
  for (const conformance of busConformance) {
    test(conformance.name, async () => {
      const publisher = await publishingService();
      const fixture: BusFixture = {
        bus: embeddedBus({ addressOf: () => publisher.address(), token: publishingToken }),
        publisher: { ...publisher, interrupt: publisher.stop, restore: publisher.start },
        source: 'publisher',
        close: publisher.close,
      };
      try {
        await conformance.run(fixture);
      } finally {
        await fixture.close();
      }
    });
  }
});

test('a stream that does not follow ends after the last event', async () => {
  const publisher = await publishingService();
  const client = connect<EventLogServer>(EventLogService, publisher.address(), { token: publishingToken });
  try {
    await publisher.publish('a');
    const events = [];
    for await (const event of client.subscribe({ afterSequence: 0, follow: false, log: '' }))
      events.push(event);
    expect(events).toEqual([
      {
        sequence: 1,
        eventId: expect.stringMatching(/^[0-9a-f-]{36}:1$/),
        type: 'a',
        tenant: 'default',
        timeUnixMs: 7,
        attributes: { sequence: '1' },
      },
    ]);
  } finally {
    client.close();
    await publisher.close();
  }
});

describe('the outbox', () => {
  test('keeps identity, sequences and events over a reopen, and no more than its window', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
    const path = join(folder, 'outbox.mdb');
    const ids: string[] = [];
    for (const round of [1, 2]) {
      const { root, outbox } = openLog(path, 3);
      for (const type of ['a', 'b']) {
        root.transactionSync(() => {
          outbox.append({ type: `${type}${round}`, tenant: 'default', timeUnixMs: 0, attributes: {} });
        });
      }
      outbox.announce();
      ids.push(...outbox.read(0, 10).map((event) => event.eventId.split(':')[0]!));
      if (round === 2) {
        expect(outbox.read(0, 10).map((event) => [event.sequence, event.type])).toEqual([
          [2, 'b1'],
          [3, 'a2'],
          [4, 'b2'],
        ]);
        expect(outbox.read(3, 10).map((event) => event.sequence)).toEqual([4]);
      }
      await root.close();
    }
    expect(new Set(ids).size).toBe(1);
    await rm(folder, { recursive: true });
  });

  test('an event of a transaction that was rolled back is never seen', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
    const { root, outbox } = openLog(join(folder, 'outbox.mdb'));
    const event = { tenant: 'default', timeUnixMs: 0, attributes: {} };
    expect(() =>
      root.transactionSync(() => {
        outbox.append({ ...event, type: 'lost' });
        throw new Error('rolled back');
      }),
    ).toThrow('rolled back');
    root.transactionSync(() => outbox.append({ ...event, type: 'kept' }));
    outbox.announce();
    expect(outbox.read(0, 10).map((kept) => kept.type)).toEqual(['kept']);
    await root.close();
    await rm(folder, { recursive: true });
  });
});
