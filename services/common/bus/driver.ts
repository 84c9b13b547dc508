import type { Registry } from 'prom-client';
import { ConfigError } from '../config/config.js';
import type { ServiceConfig } from '../config/service-config.js';
import type { Logger } from '../logger.js';
import type { ServedService } from '../server/served-service.js';
import type { EventBus, EventSource } from './bus.js';
import { embeddedBus, serveEventLog } from './embedded.js';
import { createBrokerMetrics, createBusMetrics } from './metrics.js';
import { redisBus, relayEvents, type RedisBusOptions } from './redis/redis-bus.js';
import { defaultTiming, readRedisAddress, type RedisSettings } from './redis/settings.js';

/** A service's part in the bus, whichever driver carries it. */
export interface ServiceBus {
  /** Publishes the service's events under its name. Returns the gRPC service by which its outbox is read, on any driver. */
  publish(source: EventSource): ServedService;
  /**
   * The subscribing side.
   * @param addresses `host:port` of the sources, by the name of their service
   */
  subscriber(addresses: Readonly<Record<string, string>>): EventBus;
  /** Resolves when nothing reads the published source any more; the signal was aborted before. */
  closed(): Promise<void>;
}

/** What the bus of a service is made from. */
export interface BusContext {
  /** Name of the service. */
  readonly name: string;
  readonly config: Pick<ServiceConfig, 'BUS_DRIVER' | 'BUS_PREFIX' | 'BUS_STREAM_EVENTS' | 'REDIS_URL_FILE'>;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The internal token. */
  readonly token: string;
  /** Aborted when the drain begins. */
  readonly signal: AbortSignal;
}

/**
 * The bus that the configuration names: the one place where a driver is chosen.
 * @throws ConfigError naming the variable when Redis is wanted and cannot be described
 */
export function openBus(context: BusContext): ServiceBus {
  return context.config.BUS_DRIVER === 'redis' ? throughRedis(context) : embedded(context);
}

function embedded({ registry, token, signal }: BusContext): ServiceBus {
  const metrics = createBusMetrics(registry);
  return {
    publish: (source) => serveEventLog(source, signal),
    subscriber: (addresses) => embeddedBus({ addressOf: addressIn(addresses), token, metrics }),
    closed: () => Promise.resolve(),
  };
}

function throughRedis({ name, config, logger, registry, token, signal }: BusContext): ServiceBus {
  const options: RedisBusOptions = {
    settings: redisSettings(config),
    service: name,
    token,
    logger,
    metrics: createBrokerMetrics(registry),
  };
  const relays: Promise<void>[] = [];
  return {
    publish(source) {
      relays.push(relayEvents(source, signal, options));
      return serveEventLog(source, signal);
    },
    subscriber: (addresses) => redisBus(addressIn(addresses), options),
    async closed() {
      await Promise.all(relays);
    },
  };
}

function redisSettings({
  REDIS_URL_FILE,
  BUS_PREFIX,
  BUS_STREAM_EVENTS,
}: BusContext['config']): RedisSettings {
  const file = required('REDIS_URL_FILE', REDIS_URL_FILE, 'a file that holds the URL of Redis');
  readRedisAddress(file);
  return {
    address: () => readRedisAddress(file),
    prefix: required('BUS_PREFIX', BUS_PREFIX, '<namespace>:<cluster>:<track>'),
    streamEvents: BUS_STREAM_EVENTS,
    timing: defaultTiming,
  };
}

function required(variable: string, value: string | undefined, expected: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`${variable} is not set: expected ${expected}, because BUS_DRIVER is "redis"`);
}

function addressIn(addresses: Readonly<Record<string, string>>): (source: string) => string {
  return (source) => {
    const address = addresses[source];
    if (address === undefined) throw new Error(`no address was given for the source ${source}`);
    return address;
  };
}
