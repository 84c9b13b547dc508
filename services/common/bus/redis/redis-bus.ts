import type { Logger } from '../../logger.js';
import type { EventBus, EventSource, Subscription } from '../bus.js';
import { Interruptions } from '../interruptions.js';
import type { BrokerMetrics } from '../metrics.js';
import { outboxReader } from '../outbox-reader.js';
import { Consumer } from './consumer.js';
import { Relay } from './relay.js';
import type { RedisSettings } from './settings.js';

/** What a service's part in the redis bus needs. */
export interface RedisBusOptions {
  readonly settings: RedisSettings;
  /** Name of the service: its source's, and its consumer group's. */
  readonly service: string;
  /** The internal token, for reading outboxes. */
  readonly token: string;
  readonly logger: Logger;
  readonly metrics: BrokerMetrics;
  /** Spreads reconnects; `Math.random` by default. */
  readonly random?: () => number;
}

/** Relays a service's events to Redis until the signal is aborted; never rejects. */
export async function relayEvents(
  source: EventSource,
  signal: AbortSignal,
  { settings, service, logger, metrics, random = Math.random }: RedisBusOptions,
): Promise<void> {
  const interruptions = new Interruptions(
    logger,
    'events cannot be relayed to Redis; they wait in the outbox',
  );
  const relay: Relay = new Relay({
    name: service,
    source,
    settings,
    signal,
    random,
    onInterrupted: (reason) => interruptions.tell(reason),
    onConnected: () => interruptions.over(),
    metrics: metrics.relay(service, () => relay.lag),
  });
  await relay.run();
}

/**
 * The subscribing side through Redis.
 * @param addressOf `host:port` of a source's name, for what its stream does not hold
 */
export function redisBus(addressOf: (source: string) => string, options: RedisBusOptions): EventBus {
  return { subscribe: (source, subscription) => consume(source, subscription, addressOf(source), options) };
}

async function consume(
  source: string,
  subscription: Subscription,
  address: string,
  { settings, service, token, metrics, random = Math.random }: RedisBusOptions,
): Promise<void> {
  const { name, signal } = subscription;
  const outbox = outboxReader(address, token);
  const consumer = new Consumer({
    source,
    group: name === undefined ? service : `${service}:${name}`,
    subscription,
    outbox,
    settings,
    signal,
    random,
    onInterrupted: (reason) => subscription.onInterrupted?.(reason),
    metrics: metrics.consumer(source),
  });
  try {
    await consumer.run();
  } finally {
    outbox.close();
  }
}
