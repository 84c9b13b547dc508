import { EventLogService, type EventLogServer } from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import { connect } from '../clients/client.js';
import type { BusEvent } from './bus.js';

/** Reads a source's own outbox: where a subscriber turns to for what the broker does not hold. */
export interface OutboxReader {
  /**
   * Events after a cursor, in order, until the last one.
   * @param log the one that the cursor is of, when it is known
   * @throws ServiceError FAILED_PRECONDITION when the cursor is not of this log
   */
  read(after: number, log: string | undefined): AsyncIterable<BusEvent>;
  close(): void;
}

/** Reads the outbox of the service at `host:port`. Connects lazily. */
export function outboxReader(address: string, token: string): OutboxReader {
  const client = connect<EventLogServer>(EventLogService, address, { token });
  return {
    read: (afterSequence, log = '') => client.subscribe({ afterSequence, log, follow: false }),
    close: () => client.close(),
  };
}
