/** What the API server says about a failure beside its message. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly {
    readonly reason?: string;
    readonly message?: string;
    readonly field?: string;
  }[];
  readonly retryAfterSeconds?: number;
}

/** The `Status` object that the API server answers failures with. */
export interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: StatusDetails;
}

/** The API server refused, or failed. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status code. */
  readonly status: number;
  /** Machine-readable: `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `Expired`, …; empty when none was given. */
  readonly reason: string;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number | undefined;
  readonly details: StatusDetails | undefined;

  constructor(status: number, body: Status, options: { request: string; retryAfterMs?: number | undefined }) {
    super(`${options.request}: ${body.message ?? `HTTP ${status}`}`);
    this.status = status;
    this.reason = body.reason ?? '';
    this.retryAfterMs = options.retryAfterMs;
    this.details = body.details;
  }
}

/** No answer came: the server is not there, the connection broke, or it took too long. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Of Node or undici: `ECONNREFUSED`, `UND_ERR_HEADERS_TIMEOUT`, … */
  readonly code: string;
  /** False when the request certainly never reached the server. */
  readonly maybeProcessed: boolean;

  constructor(request: string, code: string, cause: unknown) {
    super(`${request}: ${cause instanceof Error && cause.message !== '' ? cause.message : code}`, { cause });
    this.code = code;
    this.maybeProcessed = !neverSent.has(code);
  }
}

/** The answer was not what the API promises: broken JSON, or an event of an unknown kind. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

const neverSent = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The object, or the kind, is not there. */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** Somebody else wrote first: read again, decide again. */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason === 'Conflict';
}

/** The name is taken. */
export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** The resource version, or the page to continue from, is too old to go on from. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 410;
}
