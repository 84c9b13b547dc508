import type { KubeObject } from '../client/objects.js';
import { resourceType } from '../client/resource-type.js';

/** `events.k8s.io/v1` Event. */
export interface KubeEvent extends KubeObject {
  readonly eventTime?: string;
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: string;
  readonly action?: string;
  readonly note?: string;
  readonly regarding?: ObjectReference;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** Names an object in an event. */
export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
}

export const events = resourceType<KubeEvent>('events.k8s.io/v1', 'Event', 'events');
