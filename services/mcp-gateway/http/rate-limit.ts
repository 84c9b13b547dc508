import { BoundedMap } from '../../common/concepts/bounded-map.js';
import type { Guard } from './guards.js';

/** How many requests one client may make. */
export interface RateLimit {
  /** Requests a second that it may keep up; 0 means any number. */
  readonly perSecond: number;
  /** Requests at once after a rest. */
  readonly burst: number;
}

/** Clients that are remembered; the one that was heard of least recently begins anew. */
const clientLimit = 10_000;

interface Bucket {
  readonly tokens: number;
  /** Milliseconds of the clock. */
  readonly at: number;
}

/**
 * Holds each client to its rate by a token bucket. A client is the address that its connection comes from: behind a proxy that
 * is the proxy, and the limit is that of all who come through it.
 * @param now a monotone clock in milliseconds
 */
export function rateGuard({ perSecond, burst }: RateLimit, now: () => number): Guard {
  if (perSecond === 0) return () => undefined;
  const buckets = new BoundedMap<string, Bucket>(clientLimit);
  return ({ socket }) => {
    const client = socket.remoteAddress ?? '';
    const at = now();
    const before = buckets.get(client) ?? { tokens: burst, at };
    const tokens = Math.min(burst, before.tokens + ((at - before.at) / 1000) * perSecond);
    buckets.set(client, { tokens: tokens < 1 ? tokens : tokens - 1, at });
    if (tokens >= 1) return undefined;
    return {
      status: 429,
      message: `more than ${perSecond} requests a second from ${client}; try again later`,
      retryAfterSeconds: Math.ceil((1 - tokens) / perSecond),
    };
  };
}
