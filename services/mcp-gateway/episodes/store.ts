import { EpisodeState, type GetResponse } from '../../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { ServiceError, quote } from '../../common/errors.js';
import type { Track } from '../../common/shards/shards.js';
import { routeOf, type Route } from '../../common/shards/table.js';
import type { TrackPeers } from '../routing/peers.js';
import type { RequestContext, Router } from '../routing/router.js';
import { sameContent, type NamedEpisode } from './episode.js';

/** An episode to store, and how it is routed. */
export interface Put {
  readonly episode: NamedEpisode;
  /** False when the time is only the moment of the request: a repeated put then has another one. */
  readonly timeGiven: boolean;
  readonly shardKey: string | undefined;
}

/** An episode that is on the disk of a track. */
export interface Stored {
  readonly shard: number;
  readonly track: Track;
  readonly duplicate: boolean;
  readonly sequence: number;
}

/** An episode that was found, and where. */
export interface Found {
  readonly episode: NamedEpisode;
  readonly sequence: number;
  readonly track: Track;
}

/**
 * Episodes over both tracks. A write is acknowledged only after the vault's acknowledgement; the same id with the same
 * content is stored once, whichever track its shard is on.
 */
export class EpisodeStore {
  readonly #router: Router;

  constructor(router: Router) {
    this.#router = router;
  }

  /**
   * Stores an episode.
   * @throws ALREADY_EXISTS when the id holds other content, FAILED_PRECONDITION when it was forgotten
   */
  async put(put: Put, context: RequestContext): Promise<Stored> {
    return this.#router.patiently(context, async () => {
      const table = this.#router.tables.current();
      const route = routeOf(table, context.tenant, { episodeId: put.episode.id, shardKey: put.shardKey });
      const elsewhere = await this.#heldByOther(put, route, table.epoch, context);
      if (elsewhere !== undefined) return elsewhere;
      return this.#router.on(route.track, async (peers) => {
        const { sequence, duplicate } = await this.#write(put, table.epoch, peers, context);
        return { shard: route.shard, track: route.track, duplicate, sequence };
      });
    });
  }

  /** Reads an episode from its track or, after a miss, from the other. @throws NOT_FOUND */
  async get(id: string, context: RequestContext): Promise<Found> {
    return this.#router.patiently(context, async () => {
      const table = this.#router.tables.current();
      const { track, other } = routeOf(table, context.tenant, { episodeId: id });
      const found = (await this.read(track, id, context)) ?? (other && (await this.read(other, id, context)));
      if (found !== undefined) return found;
      await this.#router.tables.refresh();
      // A table that came meanwhile may name the track that holds it.
      if (this.#router.tables.current().epoch > table.epoch) return this.get(id, context);
      throw notFound(id, context);
    });
  }

  /**
   * Deletes an episode and leaves a tombstone on every track that may hold it, so that no late copy comes back.
   * @returns false when it had been forgotten before
   * @throws NOT_FOUND when no track ever held it
   */
  async forget(
    id: string,
    context: RequestContext,
  ): Promise<{ readonly track: Track; readonly deleted: boolean }> {
    return this.#router.patiently(context, async () => {
      const table = this.#router.tables.current();
      const { track, other } = routeOf(table, context.tenant, { episodeId: id });
      const tracks = other === undefined ? [track] : [track, other];
      const states = await Promise.all(tracks.map((each) => this.#stateOn(each, id, context)));
      if (states.every((state) => state === EpisodeState.EPISODE_STATE_ABSENT)) throw notFound(id, context);
      const deleted = await Promise.all(tracks.map((each) => this.#delete(each, id, table.epoch, context)));
      return { track, deleted: deleted.includes(true) };
    });
  }

  /**
   * Reads back from one track what was acknowledged there.
   * @returns false when it is missing without having been forgotten, or differs
   */
  async isKept(put: Put, track: Track, context: RequestContext): Promise<boolean> {
    const found = await this.read(track, put.episode.id, context);
    if (found !== undefined) return sameContent(found.episode, put.episode, put.timeGiven);
    const state = await this.#stateOn(track, put.episode.id, context);
    return state === EpisodeState.EPISODE_STATE_DELETED;
  }

  /** What the other track holds under the id, when it may hold it. */
  async #heldByOther(
    put: Put,
    route: Route,
    epoch: number,
    context: RequestContext,
  ): Promise<Stored | undefined> {
    const { other, shard } = route;
    if (other === undefined) return undefined;
    const { id } = put.episode;
    // After the fence no write that an older table routed there can land: what is absent now stays absent.
    await this.#router.on(other, (peers) => peers.fence(epoch));
    const state = await this.#stateOn(other, id, context);
    if (state === EpisodeState.EPISODE_STATE_ABSENT) return undefined;
    const found = await this.read(other, id, context);
    if (found === undefined) {
      throw new ServiceError(
        'FAILED_PRECONDITION',
        `id: ${quote(id)} was forgotten and is never accepted again`,
      );
    }
    if (!sameContent(found.episode, put.episode, put.timeGiven)) throw alreadyExists(id);
    return { shard, track: other, duplicate: true, sequence: found.sequence };
  }

  async #write(put: Put, epoch: number, peers: TrackPeers, context: RequestContext) {
    const { tenant } = context;
    const { id, timeUnixMs, source, meta, concepts } = put.episode;
    const activations = await peers.dictionary(tenant).encode(concepts, settings(context));
    const episode = { id, timeUnixMs, source, meta, activations };
    try {
      return await peers.vault.put({ tenant, episode, epoch }, settings(context));
    } catch (thrown) {
      const error = ServiceError.from(thrown);
      if (error.code === 'FAILED_PRECONDITION') throw await this.#whyRefused(error, epoch, peers, context);
      if (error.code !== 'ALREADY_EXISTS' || put.timeGiven) throw error;
      // Without a time of its own the episode is the same when everything else is.
      const found = await readFrom(peers, id, context);
      if (found === undefined || !sameContent(found.episode, put.episode, false)) throw error;
      return { sequence: found.sequence, duplicate: true };
    }
  }

  /** A refusal because of an old epoch becomes UNAVAILABLE: it is over once the newer table has been read. */
  async #whyRefused(refusal: ServiceError, epoch: number, peers: TrackPeers, context: RequestContext) {
    const { tenant } = context;
    const stats = await peers.vault.getStats({ tenant }, settings(context));
    if (stats.epoch <= epoch) return refusal;
    const message = `its vault is at epoch ${stats.epoch} and the shard table at ${epoch}; the newer table has not arrived`;
    return new ServiceError('UNAVAILABLE', message, { cause: refusal });
  }

  /** Reads an episode from one track; undefined when it is not there. */
  async read(track: Track, id: string, context: RequestContext): Promise<Found | undefined> {
    return this.#router.on(track, (peers) => readFrom(peers, id, context));
  }

  async #stateOn(track: Track, id: string, context: RequestContext): Promise<EpisodeState> {
    return this.#router.on(track, async (peers) => {
      const { tenant } = context;
      const { digests } = await peers.vault.getDigests({ tenant, ids: [id] }, settings(context));
      return digests[0]?.state ?? EpisodeState.EPISODE_STATE_UNSPECIFIED;
    });
  }

  async #delete(track: Track, id: string, epoch: number, context: RequestContext): Promise<boolean> {
    return this.#router.on(track, async (peers) => {
      const { tenant } = context;
      const request = { tenant, id, epoch, tombstoneIfAbsent: true };
      try {
        return (await peers.vault.delete(request, settings(context))).deleted;
      } catch (thrown) {
        const error = ServiceError.from(thrown);
        if (error.code !== 'FAILED_PRECONDITION') throw error;
        throw await this.#whyRefused(error, epoch, peers, context);
      }
    });
  }
}

async function readFrom(peers: TrackPeers, id: string, context: RequestContext): Promise<Found | undefined> {
  const { tenant } = context;
  let response: GetResponse;
  try {
    response = await peers.vault.get({ tenant, id }, settings(context));
  } catch (thrown) {
    const error = ServiceError.from(thrown);
    if (error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  const { episode } = response;
  if (episode === undefined) throw new ServiceError('INTERNAL', 'the vault answered without an episode');
  const concepts = await peers.dictionary(tenant).decode(episode.activations, settings(context));
  return {
    episode: {
      id: episode.id,
      timeUnixMs: episode.timeUnixMs,
      source: episode.source,
      meta: episode.meta,
      concepts,
    },
    sequence: response.sequence,
    track: peers.track,
  };
}

/** Settings of the calls that serve a request. */
export function settings({ signal, requestId }: RequestContext) {
  return { signal, requestId };
}

function alreadyExists(id: string): ServiceError {
  return new ServiceError('ALREADY_EXISTS', `id: ${quote(id)} holds other content; expected a new id`);
}

function notFound(id: string, { tenant }: RequestContext): ServiceError {
  return new ServiceError('NOT_FOUND', `id: ${quote(id)} is not stored for tenant ${quote(tenant)}`);
}
