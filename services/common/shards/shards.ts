import { createHash } from 'node:crypto';

/** Shards of the key space; a share of one basis point is one shard. */
export const shardCount = 10_000;

/** The two tracks a memory can run on. */
export type Track = 'stable' | 'canary';

/** What decides the track of a request. */
export const routingKeys = ['episode', 'tenant', 'shardKey'] as const;

/** One of {@link routingKeys}. */
export type RoutingKey = (typeof routingKeys)[number];

/**
 * Shard of a key: the first 8 bytes of SHA-256 of UTF-8 `tenant NUL key`, as a big-endian unsigned integer, mod 10000.
 * Stateless, so that every gateway replica, the operator and the tests agree.
 * @param key may be empty (routing by tenant)
 * @returns 0 to 9999
 */
export function shardOf(tenant: string, key: string): number {
  const digest = createHash('sha256').update(`${tenant}\0${key}`, 'utf8').digest();
  return Number(digest.readBigUInt64BE(0) % BigInt(shardCount));
}

/**
 * Track of a shard: shards below the share go to the canary, so a growing share only ever moves shards to it.
 * @param canaryBasisPoints 0 (none) to 10000 (all)
 */
export function trackOf(shard: number, canaryBasisPoints: number): Track {
  return shard < canaryBasisPoints ? 'canary' : 'stable';
}

/** What of a request can take part in routing. */
export interface Routable {
  readonly episodeId: string;
  /** The request's own field; absent means routing falls back to the episode's id. */
  readonly shardKey?: string | undefined;
}

/** The key that is hashed with the tenant. A request without a `shardKey` is spread by its episode's id. */
export function routingKeyOf(routingKey: RoutingKey, request: Routable): string {
  switch (routingKey) {
    case 'episode':
      return request.episodeId;
    case 'tenant':
      return '';
    case 'shardKey':
      return request.shardKey ?? request.episodeId;
  }
}
