import { ServiceError } from '../../../services/common/errors.js';
import { readMatrix, type AnsweredSeries, type HttpAnswer } from './answer.js';

/** A server with a Prometheus query API. */
export interface PrometheusServer {
  /** Base URL; `/api/v1/query` is added to its path. */
  readonly url: string;
  /** Reads the bearer token anew; absent when the server asks for none. May throw when the Secret is not there. */
  readonly readToken?: () => Promise<string>;
}

export interface PrometheusClientOptions {
  readonly now: () => number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A token is read anew after this long, so that a Secret is not read at every query … */
const tokenMs = 10 * 60_000;
/** Far above an answer of 8 days; what is longer is not an answer to our questions. */
const mostBytes = 32 * 1024 * 1024;

/** Asks the query API. Every error names the server, never a token. */
export class PrometheusClient {
  readonly #server: PrometheusServer;
  readonly #options: PrometheusClientOptions;
  #token: { readonly value: Promise<string>; readonly readAt: number } | undefined;

  constructor(server: PrometheusServer, options: PrometheusClientOptions) {
    this.#server = server;
    this.#options = options;
  }

  /**
   * Raw samples: a range vector selector, evaluated at one instant in epoch milliseconds.
   * @throws ServiceError as `readMatrix`; DEADLINE_EXCEEDED after the timeout, UNAVAILABLE when nobody answers
   */
  async samples(selector: string, at: number): Promise<readonly AnsweredSeries[]> {
    return this.#ask('query', { query: selector, time: seconds(at) });
  }

  /** An expression at every step from start to end, all in epoch milliseconds. @throws as `samples` */
  async range(
    expression: string,
    { start, end, stepMs }: { readonly start: number; readonly end: number; readonly stepMs: number },
  ): Promise<readonly AnsweredSeries[]> {
    return this.#ask('query_range', {
      query: expression,
      start: seconds(start),
      end: seconds(end),
      step: seconds(stepMs),
    });
  }

  async #ask(path: string, parameters: Record<string, string>): Promise<readonly AnsweredSeries[]> {
    const base = this.#server.url.replace(/\/+$/, '');
    const query = new URLSearchParams({ ...parameters, timeout: `${this.#options.timeoutMs}ms` });
    const url = `${base}/api/v1/${path}?${query.toString()}`;
    try {
      const answer = await this.#get(url);
      // … and at once when it is refused, because then it has been rotated.
      const refused = answer.status === 401 && this.#server.readToken !== undefined;
      if (refused) this.#token = undefined;
      return readMatrix(refused ? await this.#get(url) : answer);
    } catch (error) {
      const { code, message } = ServiceError.from(error);
      throw new ServiceError(code, `prometheus ${base}: ${message}`, { cause: error });
    }
  }

  async #get(url: string): Promise<HttpAnswer> {
    const token = await this.#currentToken();
    const { signal, timeoutMs } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([signal, limit]),
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      });
      return { status: response.status, body: await bodyOf(response) };
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      if (limit.aborted) throw new ServiceError('DEADLINE_EXCEEDED', `no answer within ${timeoutMs} ms`);
      throw new ServiceError('UNAVAILABLE', `cannot be reached: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #currentToken(): Promise<string | undefined> {
    const { readToken } = this.#server;
    if (readToken === undefined) return undefined;
    const now = this.#options.now();
    if (this.#token === undefined || now - this.#token.readAt > tokenMs) {
      this.#token = { value: readToken(), readAt: now };
    }
    try {
      return (await this.#token.value).trim();
    } catch (error) {
      this.#token = undefined;
      throw new ServiceError('UNAUTHENTICATED', `its token cannot be read: ${reasonOf(error)}`);
    }
  }
}

async function bodyOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      throw new ServiceError('RESOURCE_EXHAUSTED', `answered more than ${mostBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** fetch hides what happened in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
