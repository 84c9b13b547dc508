import { Counter, Gauge, type Registry } from 'prom-client';

/** Which way an event came: the broker's stream, or its source's own outbox. */
export type Path = 'stream' | 'outbox';

/** What a relay tells of itself. */
export interface RelayMetrics {
  connected(up: boolean): void;
  /** Events were appended to the stream. */
  relayed(count: number): void;
  /** The stream was found behind what had been appended to it, and is filled again. */
  refilled(): void;
}

/** What a subscription tells of itself, on every driver. */
export interface ConsumerMetrics {
  /** The handler resolved. */
  handled(path: Path): void;
  /** The handler threw, so the event comes again. */
  refused(): void;
}

/** What a subscription through a broker tells besides. */
export interface BrokerConsumerMetrics extends ConsumerMetrics {
  connected(up: boolean): void;
  /** Events of the stream that were not handled yet. */
  lag(events: number): void;
}

/** Metrics that every driver has. */
export interface BusMetrics {
  consumer(source: string): ConsumerMetrics;
}

/** Metrics of a driver with a broker. */
export interface BrokerMetrics {
  consumer(source: string): BrokerConsumerMetrics;
  /** @param lag events of the outbox that are not in the stream yet; asked at each scrape */
  relay(source: string, lag: () => number): RelayMetrics;
}

/** Registers what every driver counts. */
export function createBusMetrics(registry: Registry): BusMetrics {
  const registers = [registry];
  const handled = new Counter({
    name: 'bus_consumer_events_total',
    help: 'Events handled, by the way they came.',
    labelNames: ['source', 'path'],
    registers,
  });
  const refused = new Counter({
    name: 'bus_consumer_refused_total',
    help: 'Deliveries whose handler failed; the event comes again.',
    labelNames: ['source'],
    registers,
  });
  return {
    consumer(source) {
      refused.inc({ source }, 0);
      return {
        handled: (path) => handled.inc({ source, path }),
        refused: () => refused.inc({ source }),
      };
    },
  };
}

/** Registers the metrics of a driver with a broker: whether it is reached, and what waits on either side of it. */
export function createBrokerMetrics(registry: Registry): BrokerMetrics {
  const registers = [registry];
  const labelNames = ['source'];
  const base = createBusMetrics(registry);
  const connected = new Gauge({
    name: 'bus_connected',
    help: '1 while the broker is reached.',
    labelNames: ['role', 'source'],
    registers,
  });
  const consumerLag = new Gauge({
    name: 'bus_consumer_lag_events',
    help: 'Sequences between the last event of the stream and the last one handled, as last seen.',
    labelNames,
    registers,
  });
  const relayed = new Counter({
    name: 'bus_relay_events_total',
    help: 'Events appended to the stream; one counts again when the stream is filled again.',
    labelNames,
    registers,
  });
  const refilled = new Counter({
    name: 'bus_relay_refills_total',
    help: 'How often the stream had lost events and was filled again from the outbox.',
    labelNames,
    registers,
  });
  const lags = new Map<string, () => number>();
  new Gauge({
    name: 'bus_relay_lag_events',
    help: 'Sequences between the last event of the outbox and the last one in the stream.',
    labelNames,
    registers,
    collect() {
      for (const [source, lag] of lags) this.set({ source }, lag());
    },
  });
  return {
    consumer(source) {
      connected.set({ role: 'consumer', source }, 0);
      consumerLag.set({ source }, 0);
      return {
        ...base.consumer(source),
        connected: (up) => connected.set({ role: 'consumer', source }, up ? 1 : 0),
        lag: (events) => consumerLag.set({ source }, events),
      };
    },
    relay(source, lag) {
      lags.set(source, lag);
      connected.set({ role: 'relay', source }, 0);
      relayed.inc({ source }, 0);
      refilled.inc({ source }, 0);
      return {
        connected: (up) => connected.set({ role: 'relay', source }, up ? 1 : 0),
        relayed: (count) => relayed.inc({ source }, count),
        refilled: () => refilled.inc({ source }),
      };
    },
  };
}
