import { z } from 'zod';
import {
  routingKeyOf,
  routingKeys,
  shardCount,
  shardOf,
  trackOf,
  type Routable,
  type Track,
} from './shards.js';

const address = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, 'expected host:port')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'expected a port up to 65535');

const trackServices = z.strictObject({
  /** Revision that the track runs. */
  revision: z.string().min(1),
  vault: address,
  sleep: address,
  pruner: address,
  koopman: address,
});

const shardTable = z
  .strictObject({
    /** Grows with every publication; a write carries it and a vault refuses an older one. */
    epoch: z.int().min(0),
    routingKey: z.enum(routingKeys),
    /** Share of the shards that the canary serves, in basis points. */
    canaryBasisPoints: z.int().min(0).max(shardCount),
    /**
     * Highest share that this canary ever had; absent means unknown. Shards at or above it never went to the canary, so
     * their requests need not ask it, and a broken canary cannot harm them.
     */
    canaryPeakBasisPoints: z.int().min(0).max(shardCount).optional(),
    tracks: z.strictObject({ stable: trackServices, canary: trackServices.optional() }),
  })
  .refine((table) => table.canaryBasisPoints === 0 || table.tracks.canary !== undefined, {
    path: ['canaryBasisPoints'],
    message: 'expected 0 while tracks.canary is absent',
  })
  .refine((table) => table.canaryBasisPoints <= (table.canaryPeakBasisPoints ?? shardCount), {
    path: ['canaryPeakBasisPoints'],
    message: 'expected canaryBasisPoints or more',
  });

/** Where the services of one track listen, as `host:port`. */
export type TrackServices = z.output<typeof trackServices>;

/** The routing state of one memory cluster, as the operator publishes it. */
export type ShardTable = z.output<typeof shardTable>;

/** A shard table that cannot be used; the message has one line for each fault, with its path, value and what is expected. */
export class ShardTableError extends Error {
  override readonly name = 'ShardTableError';
}

/**
 * Reads the JSON text of a shard table.
 * @throws ShardTableError when it is not JSON or not a shard table
 */
export function parseShardTable(text: string): ShardTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ShardTableError(`shard table: not JSON (${String(cause)})`, { cause });
  }
  const result = shardTable.safeParse(json);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    const value = quoted(valueAt(json, issue.path));
    return `shard table: ${path === '' ? 'document' : path} = ${value}: ${issue.message}`;
  });
  throw new ShardTableError(lines.join('\n'), { cause: result.error });
}

/** Where a request goes. */
export interface Route {
  readonly shard: number;
  readonly track: Track;
  /** The other track, when it may hold what the request is about: the place to look after a miss. */
  readonly other: Track | undefined;
}

/** Routes a request of one tenant by the table. */
export function routeOf(table: ShardTable, tenant: string, request: Routable): Route {
  const shard = shardOf(tenant, routingKeyOf(table.routingKey, request));
  const track = trackOf(shard, table.canaryBasisPoints);
  if (track === 'canary') return { shard, track, other: 'stable' };
  return { shard, track, other: canaryMayHold(table, shard) ? 'canary' : undefined };
}

/** Shards below the peak may have gone to the canary; under `shardKey` an id may have been stored with any key. */
function canaryMayHold(table: ShardTable, shard: number): boolean {
  if (table.tracks.canary === undefined) return false;
  return table.routingKey === 'shardKey' || shard < (table.canaryPeakBasisPoints ?? shardCount);
}

/**
 * Tracks that hold a tenant's memory, the one that decides first. Where the tenant is the key that is one track, and the
 * other while it may still hold something; otherwise the tenant is spread over all tracks of the table.
 */
export function tracksHolding(table: ShardTable, tenant: string): readonly Track[] {
  if (table.tracks.canary === undefined) return ['stable'];
  if (table.routingKey !== 'tenant') return ['stable', 'canary'];
  const { track, other } = routeOf(table, tenant, { episodeId: '' });
  return other === undefined ? [track] : [track, other];
}

/** Tracks that serve a tenant now: those that its new episodes go to. A canary that is drained is none of them. */
export function tracksServing(table: ShardTable, tenant: string): readonly Track[] {
  if (table.routingKey === 'tenant') return [routeOf(table, tenant, { episodeId: '' }).track];
  return table.canaryBasisPoints === 0 ? ['stable'] : ['stable', 'canary'];
}

function quoted(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80);
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
