import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  KoopmanLearnerService,
  type KoopmanLearnerServer,
} from '../../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import {
  SleepSchedulerService,
  type SleepSchedulerServer,
} from '../../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { connect, type ServiceClient } from '../../common/clients/client.js';
import { BoundedMap } from '../../common/concepts/bounded-map.js';
import { ConceptDictionary } from '../../common/concepts/dictionary.js';
import { ServiceError } from '../../common/errors.js';
import type { Track } from '../../common/shards/shards.js';
import type { ShardTable, TrackServices } from '../../common/shards/table.js';

/** Clients of one track's services. */
export interface TrackPeers {
  readonly track: Track;
  readonly services: TrackServices;
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly sleep: ServiceClient<SleepSchedulerServer>;
  readonly pruner: ServiceClient<SparsePrunerServer>;
  readonly koopman: ServiceClient<KoopmanLearnerServer>;
  /** Dictionary of a tenant in this track's vault. */
  dictionary(tenant: string): ConceptDictionary;
  /** Has the vault refuse writes of older epochs; asked once an epoch. */
  fence(epoch: number): Promise<void>;
}

/** Dictionaries kept a track; a tenant beyond them starts with an empty cache. */
const keptDictionaries = 64;
/** How long calls on the connections of a track that is gone may go on. */
const retireMs = 30_000;

/** The connections to all tracks of the table in force. */
export class Peers {
  readonly #token: string;
  readonly #connected = new Map<Track, TrackPeers>();
  readonly #retiring = new Map<TrackPeers, NodeJS.Timeout>();

  constructor(token: string) {
    this.#token = token;
  }

  /**
   * Connects to the tracks of a table and retires those that changed. A track that went away and came back is a new one
   * even at the same addresses: its vault may have started empty, and its concept ids then mean something else.
   */
  adopt(table: ShardTable): void {
    for (const track of ['stable', 'canary'] as const) {
      const services = table.tracks[track];
      const connected = this.#connected.get(track);
      if (connected !== undefined && sameServices(connected.services, services)) continue;
      if (connected !== undefined) this.#retire(track, connected);
      if (services !== undefined) this.#connected.set(track, connectTrack(track, services, this.#token));
    }
  }

  /** @throws UNAVAILABLE when the table in force has no such track */
  of(track: Track): TrackPeers {
    const connected = this.#connected.get(track);
    if (connected === undefined) throw new ServiceError('UNAVAILABLE', `there is no ${track} track now`);
    return connected;
  }

  close(): void {
    for (const connected of this.#connected.values()) disconnect(connected);
    for (const [connected, timer] of this.#retiring) {
      clearTimeout(timer);
      disconnect(connected);
    }
    this.#connected.clear();
    this.#retiring.clear();
  }

  #retire(track: Track, connected: TrackPeers): void {
    this.#connected.delete(track);
    const timer = setTimeout(() => {
      this.#retiring.delete(connected);
      disconnect(connected);
    }, retireMs);
    this.#retiring.set(connected, timer.unref());
  }
}

function connectTrack(track: Track, services: TrackServices, token: string): TrackPeers {
  const vault = connect<EpisodicVaultServer>(EpisodicVaultService, services.vault, { token });
  const dictionaries = new BoundedMap<string, ConceptDictionary>(keptDictionaries);
  let fenced: { epoch: number; done: Promise<unknown> } | undefined;
  return {
    track,
    services,
    vault,
    sleep: connect<SleepSchedulerServer>(SleepSchedulerService, services.sleep, { token }),
    pruner: connect<SparsePrunerServer>(SparsePrunerService, services.pruner, { token }),
    koopman: connect<KoopmanLearnerServer>(KoopmanLearnerService, services.koopman, { token }),
    dictionary(tenant) {
      let dictionary = dictionaries.get(tenant);
      if (dictionary === undefined) {
        dictionary = new ConceptDictionary(vault, tenant);
        dictionaries.set(tenant, dictionary);
      }
      return dictionary;
    },
    async fence(epoch) {
      if (fenced === undefined || fenced.epoch < epoch) fenced = { epoch, done: vault.fence({ epoch }) };
      const asked = fenced;
      await asked.done.catch((error: unknown) => {
        if (fenced === asked) fenced = undefined;
        throw error;
      });
    },
  };
}

function disconnect(peers: TrackPeers): void {
  for (const client of [peers.vault, peers.sleep, peers.pruner, peers.koopman]) client.close();
}

function sameServices(one: TrackServices, other: TrackServices | undefined): boolean {
  const fields = ['revision', 'vault', 'sleep', 'pruner', 'koopman'] as const;
  return fields.every((field) => one[field] === other?.[field]);
}
