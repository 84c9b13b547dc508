import type { ApiClient } from '../client/api-client.js';
import { isAlreadyExists, isConflict } from '../client/errors.js';
import type { ObjectRef } from '../client/objects.js';
import type { Clock } from '../clock/clock.js';
import {
  heldBy,
  isHeldByOther,
  leases,
  observe,
  released,
  type Lease,
  type LeaseSpec,
  type Observation,
} from './lease.js';

/** Who wants a lease. */
export interface CandidateOptions {
  readonly client: Pick<ApiClient, 'find' | 'create' | 'update'>;
  readonly lease: ObjectRef;
  readonly identity: string;
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** One candidate's view of a lease. Each method is one try; when to try is the caller's business. */
export class Candidate {
  readonly #options: CandidateOptions;
  #seen: Observation | undefined;
  /** We wrote what we saw last, so a renewal need not read first. */
  #wrote = false;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Who held the lease when it was last seen. */
  get holder(): string {
    return this.#seen?.lease.spec?.holderIdentity ?? '';
  }

  /**
   * Takes the lease if it is free, keeps it if it is ours.
   * @returns whether it is ours now
   * @throws what the client throws, but for conflicts: those mean that somebody else was faster
   */
  async acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { clock, identity, leaseMs } = this.#options;
    if (!this.#wrote) {
      const lease = await this.#read(signal);
      if (lease === undefined) return this.#create(signal);
      this.#seen = observe(this.#seen, lease, clock.monotonic());
    }
    const seen = this.#seen;
    if (seen === undefined || isHeldByOther(seen, identity, clock.monotonic())) return false;
    return this.#write(seen.lease, heldBy(identity, leaseMs, seen.lease.spec ?? {}, clock.now()), signal);
  }

  /** Gives the lease away if it is ours. */
  async release(signal: AbortSignal): Promise<void> {
    const { clock, identity } = this.#options;
    const lease = await this.#read(signal);
    if (lease?.spec?.holderIdentity !== identity) return;
    await this.#write(lease, released(lease.spec, clock.now()), signal);
  }

  #read(signal: AbortSignal): Promise<Lease | undefined> {
    return this.#options.client.find(leases, this.#options.lease, { signal });
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity, leaseMs, lease } = this.#options;
    const spec = heldBy(identity, leaseMs, {}, clock.now());
    try {
      this.#saw(await client.create(leases, { metadata: { ...lease }, spec }, { signal }));
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  async #write(lease: Lease, spec: LeaseSpec, signal: AbortSignal): Promise<boolean> {
    // Whatever happens to this write, what we know of the lease is what the next read says.
    this.#wrote = false;
    try {
      this.#saw(await this.#options.client.update(leases, { ...lease, spec }, { signal }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  #saw(lease: Lease): void {
    this.#wrote = true;
    this.#seen = { lease, sinceMs: this.#options.clock.monotonic() };
  }
}
