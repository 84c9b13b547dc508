import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import type { EventBus } from '../../services/common/bus/bus.js';
import { embeddedBus } from '../../services/common/bus/embedded.js';
import { createBrokerMetrics } from '../../services/common/bus/metrics.js';
import { redisBus } from '../../services/common/bus/redis/redis-bus.js';
import { defaultTiming, readRedisAddress } from '../../services/common/bus/redis/settings.js';
import { createLogger } from '../../services/common/logger.js';
import { publishingService, publishingToken } from '../../test/harness/publishing-service.js';
import { RedisServer } from '../../test/harness/redis-server.js';

/** Events a second, of one publisher and one subscriber in one process, median of the rounds. */
export interface BusBenchResult {
  /** A subscriber reads a peer's outbox over gRPC. */
  readonly embedded: number;
  /** From the outbox into the stream. */
  readonly relay: number;
  /** From the stream to the handler, acknowledged. */
  readonly consume: number;
  /** From one publication to its handler and back to the next, as a round trip in milliseconds. */
  readonly embeddedRoundTripMs: number;
  readonly redisRoundTripMs: number;
}

const prefix = 'bench:bus:stable';

/** Measures both drivers, in turns, with a real redis-server. */
export async function runBusBench(events: number, rounds: number): Promise<BusBenchResult> {
  const measured: BusBenchResult[] = [];
  for (let round = 0; round < rounds; round++) {
    measured.push({ ...(await measureEmbedded(events)), ...(await measureRedis(events)) });
  }
  const median = (of: (one: BusBenchResult) => number) =>
    measured.map(of).sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
  return {
    embedded: median((one) => one.embedded),
    relay: median((one) => one.relay),
    consume: median((one) => one.consume),
    embeddedRoundTripMs: median((one) => one.embeddedRoundTripMs),
    redisRoundTripMs: median((one) => one.redisRoundTripMs),
  };
}

type Publisher = Awaited<ReturnType<typeof publishingService>>;

async function measureEmbedded(events: number) {
  const publisher = await publishingService({}, 2 * events);
  const bus = embeddedBus({ addressOf: () => publisher.address(), token: publishingToken });
  await fill(publisher, events);
  const embedded = await rate(events, () => subscribed(bus, events));
  const embeddedRoundTripMs = await roundTrip(publisher, bus, events);
  await publisher.close();
  return { embedded, embeddedRoundTripMs };
}

async function measureRedis(events: number) {
  const redis = await RedisServer.start();
  const folder = await mkdtemp(join(tmpdir(), 'bench-bus-'));
  const urlFile = join(folder, 'url');
  await writeFile(urlFile, redis.url());
  const environment = { BUS_DRIVER: 'redis', BUS_PREFIX: prefix, REDIS_URL_FILE: urlFile };
  const streamEvents = 4 * events;
  const publisher = await publishingService(
    { ...environment, BUS_STREAM_EVENTS: String(streamEvents) },
    2 * events,
  );
  await fill(publisher, events);
  redis.cli('FLUSHALL');
  await publisher.stop();
  const relay = await rate(events, async () => {
    await publisher.start();
    while ((await publisher.metric('bus_relay_events_total')) !== events) await sleep(5);
  });
  const bus = redisBus(() => publisher.address(), {
    settings: { address: () => readRedisAddress(urlFile), prefix, streamEvents, timing: defaultTiming },
    service: 'subscriber',
    token: publishingToken,
    logger: createLogger('bench', 'silent'),
    metrics: createBrokerMetrics(new Registry()),
  });
  const consume = await rate(events, () => subscribed(bus, events));
  const redisRoundTripMs = await roundTrip(publisher, bus, events);
  await publisher.close();
  await redis.close();
  await rm(folder, { recursive: true });
  return { relay, consume, redisRoundTripMs };
}

async function fill(publisher: Publisher, events: number): Promise<void> {
  for (let done = 0; done < events; done += 1_000) {
    await publisher.publish('episode.stored', Math.min(1_000, events - done));
  }
}

async function rate(events: number, work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return Math.round((1_000 * events) / (performance.now() - begin));
}

/** Resolves when a new subscriber has handled so many events from the first on. */
async function subscribed(bus: EventBus, events: number): Promise<void> {
  const abort = new AbortController();
  let left = events;
  await bus.subscribe('publisher', {
    after: 0,
    signal: abort.signal,
    onEvent() {
      left -= 1;
      if (left === 0) abort.abort();
    },
  });
}

async function roundTrip(publisher: Publisher, bus: EventBus, after: number): Promise<number> {
  const trips = 300;
  const abort = new AbortController();
  let left = trips;
  let begin = performance.now();
  const ended = bus.subscribe('publisher', {
    after,
    signal: abort.signal,
    async onEvent() {
      left -= 1;
      if (left === trips - 1) begin = performance.now();
      if (left === 0) abort.abort();
      else await publisher.publish('episode.stored');
    },
  });
  await publisher.publish('episode.stored');
  await ended;
  return Number(((performance.now() - begin) / (trips - 1)).toFixed(2));
}
