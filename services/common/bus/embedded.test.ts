import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { open } from 'lmdb';
import { EventLogService, type EventLogServer } from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import { connect } from '../clients/client.js';
import { startService, type ServiceDescription, type ServiceHandle } from '../server/service.js';
import { busConformance, type BusFixture } from './conformance.js';
import { embeddedBus, serveEventLog } from './embedded.js';
import { Outbox } from './outbox.js';

const token = 'test-token';

/** A service that has nothing but an outbox, in a real server with real lmdb. */
async function publishingService() {
  const folder = await mkdtemp(join(tmpdir(), 'bus-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, token);
  let log = 0;
  let environment = openLog(join(folder, `${log}.mdb`));
  let service: ServiceHandle | undefined;
  let port = '0';

  const description: ServiceDescription<Record<string, never>> = {
    name: 'publisher',
    environment: {},
    start: (context) =>
      Promise.resolve({
        services: [serveEventLog(environment.outbox, context.signal)],
        stop: () => Promise.resolve(),
      }),
  };
  const start = async () => {
    service = await startService(description, {
      GRPC_PORT: port,
      METRICS_PORT: '0',
      DATA_DIR: folder,
      INTERNAL_TOKEN_FILE: tokenFile,
      LOG_LEVEL: 'silent',
    });
    port = String(service.grpcPort);
  };
  await start();

  return {
    address: () => `127.0.0.1:${port}`,
    outbox: () => environment.outbox,
    publish: (type: string) => {
      environment.root.transactionSync(() => {
        environment.outbox.append({ type, tenant: 'default', timeUnixMs: 7, attributes: { sequence: '1' } });
      });
      environment.outbox.announce();
      return Promise.resolve();
    },
    interrupt: async () => {
      await service?.drain();
      service = undefined;
    },
    restore: start,
    lose: async () => {
      await service?.drain();
      await environment.root.close();
      log += 1;
      environment = openLog(join(folder, `${log}.mdb`));
      await start();
    },
    close: async () => {
      await service?.drain();
      await environment.root.close();
      await rm(folder, { recursive: true });
    },
  };
}

function openLog(path: string, keep?: number) {
  const root = open<Buffer, number>({ path, noSubdir: true, overlappingSync: false });
  const database = root.openDB<Buffer, number>({ name: 'outbox', keyEncoding: 'uint32', encoding: 'binary' });
  return { root, outbox: new Outbox(database, keep) };
}

describe('the embedded driver keeps the contract of the bus', () => {
  for (const conformance of busConformance) {
    test(conformance.name, async () => {
      const publisher = await publishingService();
      const fixture: BusFixture = {
        bus: embeddedBus(() => publisher.address(), token),
        publisher,
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
  const client = connect<EventLogServer>(EventLogService, publisher.address(), { token });
  try {
    await publisher.publish('a');
    const events = [];
    for await (const event of client.subscribe({ afterSequence: 0, follow: false })) events.push(event);
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
