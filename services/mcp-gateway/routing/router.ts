import { ServiceError } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { Track } from '../../common/shards/shards.js';
import { patiently } from './patience.js';
import type { Peers, TrackPeers } from './peers.js';
import type { TableSource } from './table-source.js';

/** What every operation knows of the request that it serves. */
export interface RequestContext {
  readonly tenant: string;
  /** Aborted when the client gives up or the gateway stops waiting. */
  readonly signal: AbortSignal;
  readonly requestId: string;
  readonly logger: Logger;
}

/** A failure with the track that it happened on, so that it is counted there. */
export class TrackError extends ServiceError {
  readonly track: Track;

  constructor(track: Track, error: ServiceError) {
    super(error.code, error.message, { cause: error });
    this.track = track;
  }
}

/** How one track answered. */
export interface TrackOutcome<T> {
  readonly track: Track;
  readonly seconds: number;
  readonly result: { readonly value: T } | { readonly error: ServiceError };
}

/** Takes operations to tracks: the table in force, patience with restarting services, errors with their track. */
export class Router {
  readonly tables: TableSource;
  readonly #peers: Peers;
  readonly #now: () => number;

  constructor(tables: TableSource, peers: Peers, now: () => number = () => performance.now()) {
    this.tables = tables;
    this.#peers = peers;
    this.#now = now;
  }

  /** Runs an operation that is safe to repeat, with the patience of {@link patiently}. */
  async patiently<T>(context: RequestContext, operation: () => Promise<T>): Promise<T> {
    return patiently(operation, {
      now: this.#now,
      refresh: () => this.tables.refresh(),
      signal: context.signal,
    });
  }

  /** Runs an operation on one track once. @throws TrackError */
  async on<T>(track: Track, operation: (peers: TrackPeers) => Promise<T>): Promise<T> {
    try {
      return await operation(this.#peers.of(track));
    } catch (thrown) {
      if (thrown instanceof TrackError) throw thrown;
      throw new TrackError(track, describe(ServiceError.from(thrown), track));
    }
  }

  /**
   * Runs an operation on each track at once: patiently on the first, once on another, whose failure is part of the answer,
   * because a broken canary must neither take the memory down with it nor slow it.
   * @throws TrackError when the first track fails
   */
  async onEach<T>(
    tracks: readonly Track[],
    context: RequestContext,
    operation: (peers: TrackPeers) => Promise<T>,
  ): Promise<readonly TrackOutcome<T>[]> {
    const outcomes = await Promise.all(
      tracks.map(async (track, k): Promise<TrackOutcome<T>> => {
        const start = this.#now();
        const run = () => this.on(track, operation);
        const seconds = () => (this.#now() - start) / 1000;
        try {
          const value = await (k === 0 ? this.patiently(context, run) : run());
          return { track, seconds: seconds(), result: { value } };
        } catch (thrown) {
          const error = ServiceError.from(thrown);
          return { track, seconds: seconds(), result: { error } };
        }
      }),
    );
    context.signal.throwIfAborted();
    const first = outcomes[0]?.result;
    if (first !== undefined && 'error' in first) throw first.error;
    return outcomes;
  }
}

function describe(error: ServiceError, track: Track): ServiceError {
  if (error.code !== 'UNAVAILABLE') return error;
  return new ServiceError('UNAVAILABLE', `the ${track} track is not reachable: ${error.message}`, {
    cause: error,
  });
}
