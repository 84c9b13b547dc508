import { connectTrack, type TrackAddresses, type TrackClients, type Tracks } from '../../tracks/clients.js';

type Track = 'stable' | 'canary';

interface Connected {
  readonly to: string;
  readonly clients: TrackClients;
}

/** Connections to the tracks of a cluster, opened when something is to be said, and anew when they lead elsewhere. */
export class LazyTracks implements Tracks {
  readonly #addresses: (track: Track) => TrackAddresses;
  readonly #token: () => string;
  readonly #connected = new Map<Track, Connected>();

  constructor(addresses: (track: Track) => TrackAddresses, token: () => string) {
    this.#addresses = addresses;
    this.#token = token;
  }

  get stable(): TrackClients {
    return this.#of('stable');
  }

  get canary(): TrackClients {
    return this.#of('canary');
  }

  /** Closes the connections to a track that is gone. */
  forget(track: Track): void {
    this.#connected.get(track)?.clients.close();
    this.#connected.delete(track);
  }

  close(): void {
    this.forget('stable');
    this.forget('canary');
  }

  #of(track: Track): TrackClients {
    const [addresses, token] = [this.#addresses(track), this.#token()];
    const to = JSON.stringify([addresses, token]);
    const connected = this.#connected.get(track);
    if (connected?.to === to) return connected.clients;
    this.forget(track);
    const clients = connectTrack(addresses, token);
    this.#connected.set(track, { to, clients });
    return clients;
  }
}
