import { Pool, ProxyAgent, type Dispatcher } from 'undici';
import { pause, type Clock } from '../clock/clock.js';
import type { RuntimeMetrics } from '../metrics.js';
import type { Connection, Credentials } from './connection.js';
import { ApiError, ConnectionError, ProtocolError, type Status } from './errors.js';
import { parseRetryAfter, retryDelayMs, type RetryPolicy } from './retry.js';

/** One request to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: URLSearchParams | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** As client-go names it: get, list, watch, create, update, patch, apply, delete. */
  readonly verb: string;
  /** See {@link RetryPolicy}. */
  readonly idempotent: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a transport needs. */
export interface TransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: RuntimeMetrics;
  readonly retry: RetryPolicy;
  /** For one attempt: until the answer begins, and between its parts, in milliseconds. */
  readonly timeoutMs: number;
  /** Most connections for requests that end; watches have their own. */
  readonly connections: number;
  readonly userAgent: string;
  /** Asked before each attempt; what it throws, the request throws. */
  readonly permit?: (() => void) | undefined;
}

interface Dispatchers {
  readonly cert: string | Buffer | undefined;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/** Sends requests over kept connections, and again where that is safe. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #prefix: string;
  #dispatchers: Dispatchers | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#prefix = options.connection.server.pathname.replace(/\/$/, '');
  }

  /**
   * Sends a request and reads the whole answer.
   * @returns the parsed JSON
   * @throws ApiError, ConnectionError, ProtocolError, or the signal's reason
   */
  async send(request: ApiRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#attempt(request, false);
        return await this.#read(request, response);
      } catch (error) {
        const { retry, random, clock } = this.#options;
        const delay = retryDelayMs({ error, attempt, idempotent: request.idempotent }, retry, random);
        if (delay === undefined) throw error;
        await pause(clock, delay, request.signal);
        request.signal?.throwIfAborted();
      }
    }
  }

  /**
   * Sends a request once and hands out the answer's body while it comes. The body must be read to its end or the
   * signal aborted.
   * @throws as {@link send}
   */
  async open(request: ApiRequest): Promise<AsyncIterable<Buffer>> {
    const response = await this.#attempt(request, true);
    return response.body;
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    const { requests, watches } = this.#dispatchers ?? {};
    this.#dispatchers = undefined;
    await Promise.all([requests?.destroy(), watches?.destroy()]);
  }

  /** One attempt, and a second one with fresh credentials when the first ones are refused. */
  async #attempt(request: ApiRequest, stream: boolean): Promise<Dispatcher.ResponseData> {
    const { credentials } = this.#options.connection;
    const first = await credentials.current();
    const response = await this.#dispatch(request, first, stream);
    if (response.statusCode !== 401) return this.#accept(request, response);
    credentials.expire(first);
    const second = await credentials.current();
    if (second === first) return this.#accept(request, response);
    await response.body.dump();
    return this.#accept(request, await this.#dispatch(request, second, stream));
  }

  async #dispatch(
    request: ApiRequest,
    credentials: Credentials,
    stream: boolean,
  ): Promise<Dispatcher.ResponseData> {
    const { clock, metrics, connection, timeoutMs } = this.#options;
    const { host, origin } = connection.server;
    const dispatchers = this.#dispatchersFor(credentials);
    const query = request.query?.toString() ?? '';
    this.#options.permit?.();
    const started = clock.monotonic();
    let code = '<error>';
    try {
      const response = await (stream ? dispatchers.watches : dispatchers.requests).request({
        origin,
        method: request.method,
        path: `${this.#prefix}${request.path}${query === '' ? '' : `?${query}`}`,
        headers: this.#headers(request, credentials),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        headersTimeout: timeoutMs,
        bodyTimeout: stream ? 0 : timeoutMs,
        signal: request.signal ?? null,
      });
      code = String(response.statusCode);
      return response;
    } catch (error) {
      throw connectionError(request, error);
    } finally {
      metrics.requests.inc({ code, method: request.method, host });
      metrics.requestSeconds.observe({ verb: request.method, host }, (clock.monotonic() - started) / 1_000);
    }
  }

  #headers(request: ApiRequest, credentials: Credentials): Record<string, string> {
    return {
      ...credentials.headers,
      accept: request.accept ?? 'application/json',
      'user-agent': this.#options.userAgent,
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    };
  }

  async #accept(request: ApiRequest, response: Dispatcher.ResponseData): Promise<Dispatcher.ResponseData> {
    const { statusCode, headers } = response;
    if (statusCode < 300) return response;
    const text = await readText(request, response);
    const status = statusOf(text);
    const header = headers['retry-after'];
    const seconds = status.details?.retryAfterSeconds;
    throw new ApiError(statusCode, status, {
      request: nameOf(request),
      retryAfterMs:
        parseRetryAfter(Array.isArray(header) ? header[0] : header, this.#options.clock.now()) ??
        (seconds === undefined ? undefined : seconds * 1_000),
    });
  }

  async #read(request: ApiRequest, response: Dispatcher.ResponseData): Promise<unknown> {
    const text = await readText(request, response);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new ProtocolError(`${nameOf(request)}: the answer is not JSON`, { cause });
    }
  }

  /** The pools for a client certificate; replaced when a plugin hands out another one. */
  #dispatchersFor({ cert, key }: Credentials): Dispatchers {
    const present = this.#dispatchers;
    if (present !== undefined && String(present.cert) === String(cert)) return present;
    void present?.requests.close();
    const identity = { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
    this.#dispatchers = {
      cert,
      requests: this.#dispatcher(identity, this.#options.connections),
      watches: this.#dispatcher(identity, null),
    };
    return this.#dispatchers;
  }

  #dispatcher(identity: Pick<Credentials, 'cert' | 'key'>, connections: number | null): Dispatcher {
    const { server, tls, proxy } = this.#options.connection;
    // The API server keeps idle connections for 90 s; a new one costs a TLS handshake.
    const pool = { connections, pipelining: 1, keepAliveTimeout: 60_000 };
    const connect = { ...tls, ...identity, timeout: 10_000 };
    return proxy === undefined
      ? new Pool(server.origin, { ...pool, connect })
      : new ProxyAgent({ ...pool, uri: proxy, requestTls: connect });
  }
}

async function readText(request: ApiRequest, { body }: Dispatcher.ResponseData): Promise<string> {
  try {
    return await body.text();
  } catch (error) {
    throw connectionError(request, error);
  }
}

/** Not every failure is told by the API server itself: proxies in front of it answer in text. */
function statusOf(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isStatus(parsed)) return parsed;
  } catch {
    // Text it is.
  }
  return text === '' ? {} : { message: text.trim().slice(0, 500) };
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** An abort is passed on as it is; everything else says which request it happened to. */
export function connectionError(request: ApiRequest, error: unknown): unknown {
  if (request.signal?.aborted === true) return request.signal.reason;
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'UNKNOWN';
  return new ConnectionError(nameOf(request), code, error);
}

function nameOf({ verb, path }: ApiRequest): string {
  return `${verb} ${path}`;
}
