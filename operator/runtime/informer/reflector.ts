import type { ApiClient } from '../client/api-client.js';
import { ApiError, isExpired } from '../client/errors.js';
import { keyOf, type KubeObject } from '../client/objects.js';
import type { ResourceType } from '../client/resource-type.js';
import { backoffMs, type BackoffPolicy } from '../clock/backoff.js';
import { pause, type Clock } from '../clock/clock.js';

/** Where a reflector puts what it sees. */
export interface ReflectorTarget<T extends KubeObject> {
  set(object: T): void;
  delete(key: string): void;
  /** The keys that came from this reflector's part of the API. */
  keys(): Iterable<string>;
  /** A whole list has been taken in. */
  synced(): void;
}

/** How a reflector keeps up. */
export interface ReflectorTiming {
  /** Between attempts that fail. */
  readonly backoff: BackoffPolicy;
  /** The server ends a watch after a time between this and twice this, so that not all end together, in seconds. */
  readonly watchSeconds: number;
  /**
   * A watch that is silent so long is taken for dead, in milliseconds. The API server sends a bookmark about every
   * minute, so a living one is never silent for long.
   */
  readonly silenceMs: number;
}

export const defaultReflectorTiming: ReflectorTiming = {
  backoff: { initialMs: 800, maxMs: 30_000 },
  watchSeconds: 300,
  silenceMs: 150_000,
};

/** What a reflector follows, and with what. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ApiClient;
  readonly type: ResourceType<T>;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: ReflectorTiming;
  /** Told of every failure of list and watch; the reflector goes on by itself. */
  readonly onFailure: (error: unknown) => void;
}

/** A watch that ended sooner than this without a word was of no use, in milliseconds. */
const uselessMs = 1_000;

/** Lists, then watches from where the list was, and goes on from the last version seen whatever happens. */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #target: ReflectorTarget<T>;
  #resourceVersion: string | undefined;
  #failures = 0;
  #lastSign: number;

  constructor(options: ReflectorOptions<T>, target: ReflectorTarget<T>) {
    this.#options = options;
    this.#target = target;
    this.#lastSign = options.clock.monotonic();
  }

  /** When the loop last did something, on the clock's monotonic scale; see {@link longestSilenceMs}. */
  get lastSign(): number {
    return this.#lastSign;
  }

  /** Follows until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#lastSign = this.#options.clock.monotonic();
      try {
        this.#resourceVersion ??= await this.#list(signal);
        await this.#watch(this.#resourceVersion, signal);
      } catch (error) {
        await this.#failed(error, signal);
      }
    }
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, timing, random, onFailure } = this.#options;
    if (isExpired(error)) this.#resourceVersion = undefined;
    this.#failures++;
    onFailure(error);
    const delay = backoffMs(this.#failures, timing.backoff, random);
    await pause(clock, Math.max(delay, wantedPatience(error)), signal);
  }

  /** Takes in the list page by page, then drops what was not in it. */
  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    let listed = new Set<string>();
    let version = '';
    for await (const page of client.pages(type, { namespace, labelSelector, fieldSelector, signal })) {
      if (page.first) listed = new Set();
      for (const object of page.items) {
        listed.add(keyOf(object));
        this.#target.set(object);
      }
      version = page.resourceVersion;
      this.#lastSign = this.#options.clock.monotonic();
    }
    for (const key of [...this.#target.keys()]) {
      if (!listed.has(key)) this.#target.delete(key);
    }
    this.#target.synced();
    return version;
  }

  /** @throws Error of a watch that was of no use, so that a server that always hangs up is not asked without a pause */
  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { clock, client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const started = clock.monotonic();
    const silence = this.#guardSilence(signal);
    let events = 0;
    try {
      const watch = client.watch(type, {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: from,
        timeoutSeconds: this.#watchSeconds(),
        signal: silence.signal,
      });
      for await (const event of watch) {
        events++;
        this.#failures = 0;
        this.#lastSign = clock.monotonic();
        if (event.type === 'BOOKMARK') {
          this.#resourceVersion = event.resourceVersion;
          continue;
        }
        if (event.type === 'DELETED') this.#target.delete(keyOf(event.object));
        else this.#target.set(event.object);
        this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
      }
    } finally {
      silence.end();
    }
    if (events === 0 && clock.monotonic() - started < uselessMs) {
      throw new Error(`watch ${type.kind}: the server ended it at once`);
    }
    this.#failures = 0;
  }

  /** A signal that aborts with the given one, or when nothing has come for too long. One timer a watch, not one an event. */
  #guardSilence(outer: AbortSignal): { signal: AbortSignal; end: () => void } {
    const { clock, timing, type } = this.#options;
    const controller = new AbortController();
    const stop = () => controller.abort(outer.reason);
    outer.addEventListener('abort', stop, { once: true });
    if (outer.aborted) stop();
    this.#lastSign = clock.monotonic();
    const look = () => {
      const left = this.#lastSign + timing.silenceMs - clock.monotonic();
      if (left > 0) timer = clock.after(left, look);
      else controller.abort(new Error(`watch ${type.kind}: nothing came for ${timing.silenceMs / 1_000} s`));
    };
    let timer = clock.after(timing.silenceMs, look);
    const end = () => {
      timer.cancel();
      outer.removeEventListener('abort', stop);
    };
    return { signal: controller.signal, end };
  }

  #watchSeconds(): number {
    const { timing, random } = this.#options;
    return Math.round(timing.watchSeconds * (1 + random()));
  }
}

/** How long a reflector that works may give no sign: it waits for one silence, one back-off and one slow list page. */
export function longestSilenceMs(timing: ReflectorTiming): number {
  return timing.silenceMs + timing.backoff.maxMs + 120_000;
}

function wantedPatience(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
}
