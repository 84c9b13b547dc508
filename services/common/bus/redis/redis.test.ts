import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { publishingService, publishingToken } from '../../../../test/harness/publishing-service.js';
import { CuttableProxy, RedisServer, redisMissing } from '../../../../test/harness/redis-server.js';
import { createLogger } from '../../logger.js';
import { busConformance, type BusFixture } from '../conformance.js';
import type { Subscription } from '../bus.js';
import { Changes } from '../changes.js';
import { createBrokerMetrics } from '../metrics.js';
import { redisBus, relayEvents } from './redis-bus.js';
import { defaultTiming, readRedisAddress } from './settings.js';
import { describeWith } from '../../../../test/harness/needs.js';

const withRedis = describeWith(redisMissing);

let redis: RedisServer;
let proxy: CuttableProxy;
let folder: string;
let clusters = 0;

if (redisMissing === undefined) {
  beforeAll(async () => {
    redis = await RedisServer.start('always');
    proxy = await CuttableProxy.open(redis.port);
    folder = mkdtempSync(join(tmpdir(), 'redis-bus-'));
    writeFileSync(join(folder, 'url'), redis.url(proxy.port));
  });
  afterAll(async () => {
    await proxy.close();
    await redis.close();
    rmSync(folder, { recursive: true });
  });
}

/** A publisher and a bus under a prefix of their own. */
async function fixtureOf(env: NodeJS.ProcessEnv = {}) {
  clusters += 1;
  const prefix = `test:c${clusters}:stable`;
  const urlFile = join(folder, 'url');
  const publisher = await publishingService({
    BUS_DRIVER: 'redis',
    REDIS_URL_FILE: urlFile,
    BUS_PREFIX: prefix,
    ...env,
  });
  const registry = new Registry();
  const settings = {
    address: () => readRedisAddress(urlFile),
    prefix,
    streamEvents: 100_000,
    timing: { ...defaultTiming, answerMs: 500, restMs: 200, staleMs: 500 },
  };
  const bus = redisBus(() => publisher.address(), {
    settings,
    service: 'subscriber',
    token: publishingToken,
    logger: createLogger('test', 'silent'),
    metrics: createBrokerMetrics(registry),
  });
  return { publisher, bus, registry, prefix };
}

withRedis('the redis driver keeps the contract of the bus', () => {
  for (const conformance of busConformance) {
    test(conformance.name, async () => {
      const { publisher, bus } = await fixtureOf();
      const fixture: BusFixture = {
        bus,
        publisher: {
          ...publisher,
          interrupt: () => {
            proxy.cut();
            return Promise.resolve();
          },
          restore: () => {
            proxy.mend();
            return Promise.resolve();
          },
        },
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

/** A subscriber that notes what it gets, each event once. */
function subscriberOf(
  { bus }: Awaited<ReturnType<typeof fixtureOf>>,
  subscription: Partial<Subscription> = { after: 0 },
) {
  const seen = new Set<string>();
  const types: string[] = [];
  const abort = new AbortController();
  const ended = bus.subscribe('publisher', {
    onEvent({ eventId, type }) {
      if (!seen.has(eventId)) types.push(type);
      seen.add(eventId);
    },
    ...subscription,
    signal: abort.signal,
  });
  return {
    types,
    has: (count: number) =>
      until(
        () => types.length >= count,
        () => `${types.length} of ${count} events`,
      ),
    async end() {
      abort.abort();
      await ended;
    },
  };
}

async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const giveUp = AbortSignal.timeout(60_000);
  while (!(await holds())) {
    if (giveUp.aborted) throw new Error(`not reached: ${what()}`);
    await sleep(10);
  }
}

/** The value of a metric of the subscriber. */
async function metric(
  registry: Registry,
  name: string,
  labels: Record<string, string>,
): Promise<number | undefined> {
  const found = await registry.getSingleMetric(name)?.get();
  return found?.values.find((value) => Object.entries(labels).every(([k, v]) => value.labels[k] === v))
    ?.value;
}

/** What can happen to Redis while events are published. */
const disasters: Record<string, () => Promise<void>> = {
  'is killed and started again': async () => {
    await redis.kill();
    await sleep(300);
    await redis.restart();
  },
  'forgets everything': () => {
    redis.cli('FLUSHALL');
    return Promise.resolve();
  },
  'loses its files': async () => {
    await redis.kill();
    redis.loseFiles();
    await redis.restart();
  },
  'hangs for longer than an answer may take': async () => {
    redis.freeze();
    await sleep(8_000);
    redis.thaw();
  },
  'cannot be reached': async () => {
    proxy.cut();
    await sleep(1_000);
    proxy.mend();
  },
  'loses its newest entries': () => {
    // As after a crash within the second that appendfsync everysec allows.
    const key = `{test:c${clusters}:stable:publisher}:events`;
    const entries = redis
      .cli('XREVRANGE', key, '+', '-', 'COUNT', '20')
      .split('\n')
      .filter((line) => /^\d+-0$/.test(line));
    redis.cli('XDEL', key, ...entries);
    redis.cli('XSETID', key, redis.cli('XREVRANGE', key, '+', '-', 'COUNT', '1').split('\n')[0] ?? '');
    return Promise.resolve();
  },
};

withRedis('when Redis is in trouble', () => {
  test.each(Object.entries(disasters))(
    'nothing is lost, and the lags return to 0, when it %s',
    async (_, happen) => {
      const fixture = await fixtureOf();
      const { publisher, registry } = fixture;
      const names = Array.from({ length: 600 }, (__, k) => `event-${k}`);
      const publishing = async (part: readonly string[]) => {
        for (const [k, name] of part.entries()) {
          await publisher.publish(name);
          if (k % 10 === 0) await sleep(1);
        }
      };
      const subscriber = subscriberOf(fixture);
      try {
        await publishing(names.slice(0, 200));
        await subscriber.has(100);
        await Promise.all([publishing(names.slice(200, 500)), happen()]);
        await publishing(names.slice(500));
        await subscriber.has(names.length);
        expect(subscriber.types).toEqual(names);
        await until(
          async () => (await publisher.metric('bus_relay_lag_events')) === 0,
          () => 'no relay lag',
        );
        await until(
          async () => (await metric(registry, 'bus_consumer_lag_events', { source: 'publisher' })) === 0,
          () => 'no consumer lag',
        );
        expect(await publisher.metric('bus_connected')).toBe(1);
      } finally {
        await subscriber.end();
        await publisher.close();
      }
    },
  );

  test('a stream that lost its end while nothing new comes is filled again', async () => {
    const fixture = await fixtureOf();
    const { publisher, prefix } = fixture;
    try {
      for (let k = 0; k < 50; k++) await publisher.publish(`event-${k}`);
      const length = () => redis.cli('XLEN', `{${prefix}:publisher}:events`);
      await until(() => length() === '50', length);
      redis.cli('FLUSHALL');
      await until(() => length() === '50', length);
      expect(await publisher.metric('bus_relay_refills_total')).toBe(1);
      const subscriber = subscriberOf(fixture);
      await subscriber.has(50);
      await subscriber.end();
      expect(await metric(fixture.registry, 'bus_consumer_events_total', { path: 'stream' })).toBe(50);
    } finally {
      await publisher.close();
    }
  });

  test('a service starts and serves while it is away, and shows it', async () => {
    proxy.cut();
    const fixture = await fixtureOf();
    const { publisher } = fixture;
    try {
      await publisher.publish('a');
      await publisher.publish('b');
      expect(await publisher.metric('bus_connected')).toBe(0);
      expect(await publisher.metric('bus_relay_lag_events')).toBe(2);
      const subscriber = subscriberOf(fixture);
      proxy.mend();
      await subscriber.has(2);
      await subscriber.end();
      expect(await publisher.metric('bus_connected')).toBe(1);
    } finally {
      proxy.mend();
      await publisher.close();
    }
  });
});

withRedis('a password that Redis refuses', () => {
  test('is told as a reason, never shown, and taken up once it was put right', async () => {
    const file = join(folder, 'rotated');
    writeFileSync(file, `redis://:not-the-password@127.0.0.1:${redis.port}`);
    const lines: string[] = [];
    const relay = new AbortController();
    const quiet = new Changes();
    const outbox = {
      log: 'log',
      lastSequence: 0,
      read: () => [],
      changed: (signal: AbortSignal) => quiet.next(signal),
    };
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const metrics = createBrokerMetrics(new Registry());
    const timing = { ...defaultTiming, restMs: 100 };
    const settings = {
      address: () => readRedisAddress(file),
      prefix: 'test:auth:stable',
      streamEvents: 100,
      timing,
    };
    const relaying = relayEvents(outbox, relay.signal, {
      settings,
      service: 'publisher',
      token: '',
      logger,
      metrics,
    });
    await until(
      () => lines.length > 0,
      () => 'a line',
    );
    expect(lines.join()).toContain('WRONGPASS');
    expect(lines.join()).not.toContain('not-the-password');
    writeFileSync(file, redis.url());
    await until(
      () => redis.cli('GET', '{test:auth:stable:publisher}:log') === 'log',
      () => 'the stream is adopted',
    );
    relay.abort();
    await relaying;
  });
});

withRedis('a stream', () => {
  test('holds no more than its bound; a subscriber that is further back reads the outbox', async () => {
    const fixture = await fixtureOf({ BUS_STREAM_EVENTS: '100' });
    const { publisher, registry, prefix } = fixture;
    try {
      const names = Array.from({ length: 1_000 }, (_, k) => `event-${k}`);
      for (const name of names) await publisher.publish(name);
      await until(
        async () => (await publisher.metric('bus_relay_lag_events')) === 0,
        () => 'no relay lag',
      );
      // Redis drops whole nodes of its tree, of up to 100 entries each.
      expect(Number(redis.cli('XLEN', `{${prefix}:publisher}:events`))).toBeLessThanOrEqual(200);
      const subscriber = subscriberOf(fixture);
      await subscriber.has(names.length);
      await subscriber.end();
      expect(subscriber.types).toEqual(names);
      const [fromStream, fromOutbox] = await Promise.all(
        ['stream', 'outbox'].map((path) => metric(registry, 'bus_consumer_events_total', { path })),
      );
      expect(fromStream! + fromOutbox!).toBe(names.length);
      expect(fromStream).toBeGreaterThanOrEqual(100);
      expect(fromOutbox).toBeGreaterThanOrEqual(800);
    } finally {
      await publisher.close();
    }
  });

  test('of another track or cluster is never read', async () => {
    const here = await fixtureOf();
    const there = await fixtureOf();
    const subscribers = [subscriberOf(here), subscriberOf(there)];
    try {
      await here.publisher.publish('here');
      await there.publisher.publish('there');
      for (const subscriber of subscribers) await subscriber.has(1);
      await sleep(300);
      expect(subscribers.map(({ types }) => types)).toEqual([['here'], ['there']]);
    } finally {
      for (const subscriber of subscribers) await subscriber.end();
      await here.publisher.close();
      await there.publisher.close();
    }
  });
});

withRedis('a consumer group', () => {
  test('remembers a subscriber that keeps no cursor', async () => {
    const fixture = await fixtureOf();
    const { publisher } = fixture;
    try {
      await publisher.publish('a');
      const first = subscriberOf(fixture, {});
      await first.has(1);
      await first.end();
      await publisher.publish('b');
      const second = subscriberOf(fixture, {});
      await second.has(1);
      await second.end();
      expect([first.types, second.types]).toEqual([['a'], ['b']]);
    } finally {
      await publisher.close();
    }
  });

  test('gives each of two subscribers under one name everything, in order, as during a rolling update', async () => {
    const fixture = await fixtureOf();
    const { publisher } = fixture;
    const both = [subscriberOf(fixture), subscriberOf(fixture)];
    try {
      const names = Array.from({ length: 300 }, (_, k) => `event-${k}`);
      for (const [k, name] of names.entries()) {
        await publisher.publish(name);
        if (k % 20 === 0) await sleep(5);
      }
      for (const subscriber of both) {
        await subscriber.has(names.length);
        expect(subscriber.types).toEqual(names);
      }
    } finally {
      for (const subscriber of both) await subscriber.end();
      await publisher.close();
    }
  });

  test('hands what a dead consumer left to its successor, and forgets the dead one', async () => {
    const fixture = await fixtureOf();
    const { publisher, prefix } = fixture;
    const key = `{${prefix}:publisher}:events`;
    try {
      for (const type of ['a', 'b', 'c']) await publisher.publish(type);
      await until(
        () => redis.cli('XLEN', key) === '3',
        () => '3 entries',
      );
      redis.cli('XGROUP', 'CREATE', key, 'subscriber', '0');
      redis.cli('XREADGROUP', 'GROUP', 'subscriber', 'dead', 'COUNT', '2', 'STREAMS', key, '>');
      const successor = subscriberOf(fixture, {});
      await successor.has(3);
      expect(successor.types).toEqual(['a', 'b', 'c']);
      await until(
        () => !redis.cli('XINFO', 'CONSUMERS', key, 'subscriber').includes('dead'),
        () => 'the dead consumer is forgotten',
      );
      expect(redis.cli('XPENDING', key, 'subscriber').split('\n')[0]).toBe('0');
      await successor.end();
    } finally {
      await publisher.close();
    }
  });

  test('keeps an event pending while its handler works and acknowledges it afterwards', async () => {
    const fixture = await fixtureOf();
    const { publisher, prefix } = fixture;
    const key = `{${prefix}:publisher}:events`;
    const pending = () => redis.cli('XPENDING', key, 'subscriber').split('\n')[0];
    let finish: () => void = () => undefined;
    // Made before the handler is called: an event is pending from the moment that it is read.
    const work = new Promise<void>((resolve) => (finish = resolve));
    const subscriber = subscriberOf(fixture, { after: 0, onEvent: () => work });
    try {
      await publisher.publish('a');
      await until(
        () => redis.cli('EXISTS', key) === '1' && pending() === '1',
        () => 'pending',
      );
      finish();
      await until(
        () => pending() === '0',
        () => 'acknowledged',
      );
    } finally {
      await subscriber.end();
      await publisher.close();
    }
  });
});
