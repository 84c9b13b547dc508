import { backoffMs, type BackoffPolicy } from '../clock/backoff.js';
import { ApiError, ConnectionError } from './errors.js';

/** When a request is sent again by the client itself. Longer waits belong to the caller's queue, not to a worker. */
export interface RetryPolicy {
  /** How often a request is sent at most. */
  readonly attempts: number;
  readonly backoff: BackoffPolicy;
  /** A server that asks for more patience than this gets the error passed on, in milliseconds. */
  readonly longestWaitMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 4,
  backoff: { initialMs: 50, maxMs: 1_000 },
  longestWaitMs: 2_000,
};

/** What is known of a failed attempt. */
export interface FailedAttempt {
  readonly error: unknown;
  /** 1 for the first. */
  readonly attempt: number;
  /** Doing it twice is the same as doing it once: reads, server-side apply, merge patches, deletion by uid. */
  readonly idempotent: boolean;
}

/**
 * How long to wait before the request is sent again; undefined when it must not be.
 * @param random uniform in [0, 1)
 */
export function retryDelayMs(
  { error, attempt, idempotent }: FailedAttempt,
  policy: RetryPolicy,
  random: () => number,
): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  if (!wasNotProcessed(error) && !(idempotent && isTransient(error))) return undefined;
  const wanted = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (wanted !== undefined && wanted > policy.longestWaitMs) return undefined;
  return Math.max(wanted ?? 0, backoffMs(attempt, policy.backoff, random));
}

/** The server turned the request away before it did anything, or never saw it. */
function wasNotProcessed(error: unknown): boolean {
  if (error instanceof ConnectionError) return !error.maybeProcessed;
  return (
    error instanceof ApiError &&
    (error.status === 429 || (error.status === 503 && error.retryAfterMs !== undefined))
  );
}

function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof ApiError && [408, 500, 502, 503, 504].includes(error.status);
}

/**
 * Reads a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date.
 * @param now milliseconds since the epoch
 * @returns milliseconds; undefined when there is none or it is not understood
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
