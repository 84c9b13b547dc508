import { connectivityState } from '@grpc/grpc-js';

/** As much of a gRPC client as a line looks at. */
interface Dialled {
  getChannel(): { getConnectivityState(tryToConnect: boolean): connectivityState };
  close(): void;
}

/** Longest time that a connection may take to come about, in milliseconds. */
const dialMs = 5_000;

/**
 * A channel that is opened anew when it has no connection after five seconds. grpc-js leaves that to the kernel, which repeats a
 * SYN for two minutes. Through a Kubernetes Service all of them go where the first one went, be it a pod that is gone, whose
 * address nobody answers for. Calls that wait on the old channel are made again on the new one, see {@link call}; streams end with
 * UNAVAILABLE.
 */
export class Line<Channel extends Dialled> {
  readonly #open: () => Channel;
  #channel: Channel;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param open makes a channel that shares no connection with another */
  constructor(open: () => Channel) {
    this.#open = open;
    this.#channel = open();
  }

  /** The channel for the next call. */
  channel(): Channel {
    if (!this.#closed && !isConnected(this.#channel))
      this.#watch ??= setTimeout(() => this.#redial(), dialMs).unref();
    return this.#channel;
  }

  /** Makes a call; again, while the line was dialled anew before it had begun. */
  async call<T>(make: (channel: Channel) => Promise<T>): Promise<T> {
    for (;;) {
      const channel = this.channel();
      try {
        return await make(channel);
      } catch (error) {
        if (channel === this.#channel || !hasNotBegun(error)) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#watch);
    this.#channel.close();
  }

  #redial(): void {
    this.#watch = undefined;
    const old = this.#channel;
    const state = stateOf(old);
    // Idle: whoever called has given up. The next call dials by itself.
    if (state === connectivityState.READY || state === connectivityState.IDLE) return;
    this.#channel = this.#open();
    old.close();
  }
}

function isConnected(channel: Dialled): boolean {
  return stateOf(channel) === connectivityState.READY;
}

function stateOf(channel: Dialled): connectivityState {
  return channel.getChannel().getConnectivityState(false);
}

/** What grpc-js says of a call that was still waiting for a connection when its channel was closed. */
function hasNotBegun(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Channel closed before call started');
}
