import { setTimeout as sleep } from 'node:timers/promises';
import {
  EventLogService,
  type EventLogServer,
  type SubscribeRequest,
  type SubscribeResponse,
} from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import { connect, type ServiceClient } from '../clients/client.js';
import { invalidArgument, ServiceError } from '../errors.js';
import { serve, type ServedService } from '../server/service.js';
import { backoffMs } from './backoff.js';
import type { BusEvent, EventBus, EventSource, Subscription } from './bus.js';

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
  if (cursor < 0) throw invalidArgument('after_sequence', cursor, 'a sequence of at least 0');
  if (cursor > source.lastSequence) {
    throw new ServiceError(
      'FAILED_PRECONDITION',
      `after_sequence: ${cursor} is past the last event, ${source.lastSequence}: this is not the log that it came from`,
    );
  }
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
}

/** A subscription to one peer. */
export interface PeerSubscription extends Subscription {
  /** `host:port` of the service whose events are wanted. */
  readonly address: string;
  /** The internal token. */
  readonly token: string;
  /** Spreads reconnects; `Math.random` by default. */
  readonly random?: () => number;
}

/** Delivers the events of the service at an address, as {@link EventBus.subscribe} says. */
export async function subscribeEvents(subscription: PeerSubscription): Promise<void> {
  const { address, token, signal, random = Math.random } = subscription;
  const client = connect<EventLogServer>(EventLogService, address, { token });
  const progress = { cursor: subscription.after, failures: 0 };
  try {
    while (!signal.aborted) {
      const interruption = await follow(client, subscription, progress);
      if (isAborted(signal)) return;
      subscription.onInterrupted?.(interruption);
      // The log was replaced: what the cursor counted is gone.
      if (interruption.code === 'FAILED_PRECONDITION') progress.cursor = 0;
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
  { signal, onEvent }: Subscription,
  progress: { cursor: number; failures: number },
): Promise<ServiceError> {
  try {
    const stream = client.subscribe({ afterSequence: progress.cursor, follow: true }, { signal });
    for await (const event of stream) {
      await onEvent(event satisfies BusEvent);
      progress.cursor = event.sequence;
      progress.failures = 0;
    }
    return new ServiceError('UNAVAILABLE', 'the peer ended the stream');
  } catch (error) {
    return ServiceError.from(error);
  }
}

/**
 * The embedded bus: sources are peers, found by their address.
 * @param addressOf `host:port` of a source's name
 */
export function embeddedBus(addressOf: (source: string) => string, token: string): EventBus {
  return {
    subscribe: (source, subscription) =>
      subscribeEvents({ ...subscription, address: addressOf(source), token }),
  };
}
