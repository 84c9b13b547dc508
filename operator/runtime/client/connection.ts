import type { Clock } from '../clock/clock.js';

/** How requests prove who sends them. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Client certificate and its key, PEM. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** How the server proves who it is. */
export interface ServerTls {
  readonly ca?: string | Buffer;
  /** The name in the server's certificate, when it is not the host of the URL. */
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where an API server is and how to speak to it. */
export interface Connection {
  /** May carry a path, as proxies in front of several clusters have. */
  readonly server: URL;
  /** The namespace that the kubeconfig's context, or the pod, is in. */
  readonly namespace: string;
  readonly tls: ServerTls;
  /** URL of an HTTP proxy. */
  readonly proxy?: string;
  readonly credentials: CredentialSource;
}

/** Where to look for an API server. */
export interface ConnectionOptions {
  /** Path of a kubeconfig; without it `KUBECONFIG`, then the pod's service account, then `~/.kube/config`. */
  readonly kubeconfig?: string;
  /** A context of the kubeconfig other than its current one. */
  readonly context?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  /** Folder of the pod's service account. */
  readonly serviceAccountFolder?: string;
}

/** Credentials that are loaded again when they get old, or when the server refuses them. */
export class CredentialSource {
  readonly #load: () => Promise<Credentials>;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  #loaded: { readonly value: Credentials; readonly at: number } | undefined;
  #loading: Promise<Credentials> | undefined;

  /** @param maxAgeMs tokens in pods are replaced well before they expire; client-go too reads them every minute */
  constructor(load: () => Promise<Credentials>, clock: Clock, maxAgeMs = 60_000) {
    this.#load = load;
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The present ones. While a reload fails the last good ones are kept: the server has the last word on them. */
  async current(): Promise<Credentials> {
    const loaded = this.#loaded;
    if (loaded !== undefined && this.#clock.monotonic() - loaded.at < this.#maxAgeMs) return loaded.value;
    this.#loading ??= this.#reload().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Called when the server refused `refused`: the next call of {@link current} loads them again. */
  expire(refused: Credentials): void {
    if (this.#loaded?.value === refused) this.#loaded = { value: refused, at: -Infinity };
  }

  async #reload(): Promise<Credentials> {
    const before = this.#loaded;
    try {
      const value = await this.#load();
      this.#loaded = { value, at: this.#clock.monotonic() };
      return value;
    } catch (error) {
      if (before === undefined) throw error;
      this.#loaded = { value: before.value, at: this.#clock.monotonic() };
      return before.value;
    }
  }
}
