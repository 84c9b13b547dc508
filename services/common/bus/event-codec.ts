import { SubscribeResponse } from '../../../proto/gen/tori/memory/v1/event_log_service.js';
import type { BusEvent } from './bus.js';

/** The form of an event on disk and on every driver's way. */
export function encodeEvent(event: BusEvent): Buffer {
  return Buffer.from(SubscribeResponse.encode({ ...event, attributes: { ...event.attributes } }).finish());
}

/** Reads what {@link encodeEvent} wrote. */
export function decodeEvent(bytes: Uint8Array): BusEvent {
  return SubscribeResponse.decode(bytes);
}
