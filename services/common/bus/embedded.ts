import { setTimeout as sleep } from 'node:timers/promises';
import {
  EventLogService,
  type EventLogServer,
  type SubscribeRequest,
  type SubscribeResponse,
} from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import { connect, type ServiceClient } from '../clients/client.js';
import { invalidArgument, ServiceError } from '../errors.js';
import { serve, type ServedService } from '../server/served-service.js';
import { backoffMs } from './backoff.js';
import { logOf, type BusEvent, type EventBus, type EventSource, type Subscription } from './bus.js';
import type { BusMetrics, ConsumerMetrics } from './metrics.js';

const pageSize = 256;

/**
 * Serves a source's events as `tori.memory.v1.EventLog`: the embedded driver, which needs no broker.
 * @param signal ends the streams that follow, cleanly, when the service drains; subscribers come back by their cursor
 */
export function serveEventLog(source: EventSource, signal: AbortSignal): ServedService {
  return serve<EventLogServer>('tori.memory.v1.EventLog', EventLogService, {
    subscribe: (request, context) => events(source, request, AbortSignal.any([signal, context.signal])),
  });
}

async function* events(
  source: EventSource,
  request: SubscribeRequest,
  signal: AbortSignal,
): AsyncIterable<SubscribeResponse> {
  let cursor = request.afterSequence;
  checkCursor(source, request);
  while (!signal.aborted) {
    const page = source.read(cursor, pageSize);
    for (const event of page) {
      yield { ...event, attributes: { ...event.attributes } };
      cursor = event.sequence;
    }
    if (page.length > 0) continue;
    if (!request.follow) return;
    await source.changed(signal);
  }
  // A subscriber that asked for what there is takes a clean end for the last event.
  if (!request.follow) throw new ServiceError('UNAVAILABLE', 'the service is draining');
}

function checkCursor(source: EventSource, { afterSequence, log }: SubscribeRequest): void {
  if (afterSequence < 0) throw invalidArgument('after_sequence', afterSequence, 'a sequence of at least 0');
  const reason =
    log !== '' && log !== source.log
      ? 'is of another log than this one'
      : `is past the last event, ${source.lastSequence}: this is not the log that it came from`;
  if ((log === '' || log === source.log) && afterSequence <= source.lastSequence) return;
  throw new ServiceError('FAILED_PRECONDITION', `after_sequence: ${afterSequence} ${reason}`);
}

/** A subscription to one peer. */
export interface PeerSubscription extends Subscription {
  /** `host:port` of the service whose events are wanted. */
  readonly address: string;
  /** The internal token. */
  readonly token: string;
  /** Spreads reconnects; `Math.random` by default. */
  readonly random?: () => number;
  readonly metrics?: ConsumerMetrics;
}

/** How far a subscription got. */
interface Progress {
  cursor: number;
  /** Log that the cursor counts; empty while it is not known. */
  log: string;
  failures: number;
}

/** Delivers the events of the service at an address, as {@link EventBus.subscribe} says. */
export async function subscribeEvents(subscription: PeerSubscription): Promise<void> {
  const { address, token, signal, random = Math.random } = subscription;
  const client = connect<EventLogServer>(EventLogService, address, { token });
  const progress: Progress = { cursor: subscription.after ?? 0, log: subscription.log ?? '', failures: 0 };
  try {
    while (!signal.aborted) {
      const interruption = await follow(client, subscription, progress);
      if (isAborted(signal)) return;
      subscription.onInterrupted?.(interruption);
      // The log was replaced: what the cursor counted is gone.
      if (interruption.code === 'FAILED_PRECONDITION') Object.assign(progress, { cursor: 0, log: '' });
      progress.failures += 1;
      await sleep(backoffMs(progress.failures, random), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}

/** Signals change while we wait; a call keeps the compiler from remembering an older answer. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Reads one stream until it ends; resolves to the reason. */
async function follow(
  client: ServiceClient<EventLogServer>,
  { signal, onEvent, metrics }: PeerSubscription,
  progress: Progress,
): Promise<ServiceError> {
  const handle = async (event: BusEvent) => {
    try {
      await onEvent(event);
    } catch (error) {
      metrics?.refused();
      throw error;
    }
  };
  try {
    const { cursor, log } = progress;
    const stream = client.subscribe({ afterSequence: cursor, follow: true, log }, { signal });
    for await (const event of stream) {
      await handle(event);
      progress.cursor = event.sequence;
      progress.log = logOf(event);
      progress.failures = 0;
      metrics?.handled('outbox');
    }
    return new ServiceError('UNAVAILABLE', 'the peer ended the stream');
  } catch (error) {
    return ServiceError.from(error);
  }
}

/** Where the sources are and how to call them. */
export interface EmbeddedBusOptions {
  /** `host:port` of a source's name. */
  readonly addressOf: (source: string) => string;
  /** The internal token. */
  readonly token: string;
  readonly metrics?: BusMetrics;
}

/** The embedded bus: sources are peers, found by their address. */
export function embeddedBus({ addressOf, token, metrics }: EmbeddedBusOptions): EventBus {
  return {
    subscribe: (source, subscription) =>
      subscribeEvents({
        ...subscription,
        address: addressOf(source),
        token,
        ...(metrics && { metrics: metrics.consumer(source) }),
      }),
  };
}
