import type { RolloutStatus } from '../api/rollout-status.js';
import { shardCount, type RoutingKey, type Track } from '../../services/common/shards/shards.js';
import { parseShardTable, type ShardTable } from '../../services/common/shards/table.js';
import type { TrackAddresses } from './clients.js';

/** What the rollout wants the gateways to serve. */
export interface WantedTable {
  readonly epoch: number;
  readonly basisPoints: number;
  readonly canary: boolean;
}

/** What a table is made of beside the wish. */
export interface TableContext {
  readonly routingKey: RoutingKey;
  readonly rollout: RolloutStatus;
  readonly addresses: (track: Track) => TrackAddresses;
  /** The table that is published now. */
  readonly before: ShardTable | undefined;
}

/**
 * The table to publish. Its peak keeps the highest share that the present canary ever had; a changed routing key waits for the
 * canary's end, because by the new key a gateway would look for episodes in a track that they were not written to.
 */
export function shardTableOf(wanted: WantedTable, context: TableContext): ShardTable {
  const { routingKey, rollout, addresses, before } = context;
  const { epoch, basisPoints } = wanted;
  const stableRevision = rollout.stableRevision ?? rollout.run?.revision ?? '';
  const stable = { revision: stableRevision, ...addresses('stable') };
  if (!wanted.canary) return { epoch, routingKey, canaryBasisPoints: 0, tracks: { stable } };
  const canary = { revision: rollout.run?.revision ?? stableRevision, ...addresses('canary') };
  return {
    epoch,
    canaryBasisPoints: basisPoints,
    ...kept(before, { routingKey, canaryPeakBasisPoints: basisPoints }),
    tracks: { stable, canary },
  };
}

/** What stays for as long as a canary runs, given what it would be without one. */
function kept(
  before: ShardTable | undefined,
  now: { routingKey: RoutingKey; canaryPeakBasisPoints: number },
) {
  if (before?.tracks.canary === undefined) return now;
  const { routingKey, canaryPeakBasisPoints = shardCount } = before;
  return { routingKey, canaryPeakBasisPoints: Math.max(canaryPeakBasisPoints, now.canaryPeakBasisPoints) };
}

/** A published table; undefined where there is none that can be read. */
export function publishedTable(text: string | undefined): ShardTable | undefined {
  if (text === undefined) return undefined;
  try {
    return parseShardTable(text);
  } catch {
    return undefined;
  }
}
