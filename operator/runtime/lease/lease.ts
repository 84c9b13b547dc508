import type { KubeObject } from '../client/objects.js';
import { resourceType } from '../client/resource-type.js';
import { microTime } from '../clock/micro-time.js';

/** `coordination.k8s.io/v1` Lease. */
export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

/** Who leads, and for how long others have to believe it. */
export interface LeaseSpec {
  /** Empty when nobody leads. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  /** How often the holder changed. */
  readonly leaseTransitions?: number;
}

export const leases = resourceType<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');

/**
 * The spec by which `identity` takes or keeps a lease.
 * @param now milliseconds since the epoch; only for people to read, see {@link isHeldByOther}
 */
export function heldBy(identity: string, durationMs: number, before: LeaseSpec, now: number): LeaseSpec {
  const keeps = before.holderIdentity === identity;
  const transitions = before.leaseTransitions ?? 0;
  const isFirst = before.acquireTime === undefined;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: keeps && before.acquireTime !== undefined ? before.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: keeps || isFirst ? transitions : transitions + 1,
  };
}

/** The spec by which the holder gives a lease away: the next one need not wait. */
export function released(before: LeaseSpec, now: number): LeaseSpec {
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    ...(before.acquireTime === undefined ? {} : { acquireTime: before.acquireTime }),
    renewTime: microTime(now),
    leaseTransitions: before.leaseTransitions ?? 0,
  };
}

/** A lease as it was seen, and since when it has looked so, on the observer's monotonic clock. */
export interface Observation {
  readonly lease: Lease;
  readonly sinceMs: number;
}

/**
 * What is known after `lease` was read. Only a change of spec counts as a sign of its holder: an annotation by somebody
 * else does not.
 */
export function observe(before: Observation | undefined, lease: Lease, now: number): Observation {
  const same = before !== undefined && JSON.stringify(before.lease.spec) === JSON.stringify(lease.spec);
  return { lease, sinceMs: same ? before.sinceMs : now };
}

/**
 * Whether somebody else still leads. The times in the lease are not compared with ours, because clocks of two machines
 * differ: a lease is over when it has not changed for its duration of our own time, as in client-go.
 * @param now of the observer's monotonic clock, in milliseconds
 */
export function isHeldByOther({ lease, sinceMs }: Observation, identity: string, now: number): boolean {
  const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
  if (holderIdentity === undefined || holderIdentity === '' || holderIdentity === identity) return false;
  return now < sinceMs + (leaseDurationSeconds ?? 0) * 1_000;
}
