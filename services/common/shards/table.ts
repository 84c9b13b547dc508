import { z } from 'zod';
import { routingKeys, shardCount, type Track } from './shards.js';

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
    tracks: z.strictObject({ stable: trackServices, canary: trackServices.optional() }),
  })
  .refine((table) => table.canaryBasisPoints === 0 || table.tracks.canary !== undefined, {
    path: ['canaryBasisPoints'],
    message: 'expected 0 while tracks.canary is absent',
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

/** The other track, where the table has one: the place to look when the serving track does not hold an episode. */
export function otherTrack(table: ShardTable, track: Track): Track | undefined {
  if (track === 'canary') return 'stable';
  return table.tracks.canary === undefined ? undefined : 'canary';
}

/** Tracks of the table, stable first. */
export function tracksOf(table: ShardTable): readonly Track[] {
  return table.tracks.canary === undefined ? ['stable'] : ['stable', 'canary'];
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
