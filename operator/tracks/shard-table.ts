import type { RolloutStatus } from '../api/rollout-status.js';
import type { RoutingKey, Track } from '../../services/common/shards/shards.js';
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

/** The table to publish; its peak keeps the highest share that the present canary ever had. */
export function shardTableOf(wanted: WantedTable, context: TableContext): ShardTable {
  const { routingKey, rollout, addresses, before } = context;
  const stableRevision = rollout.stableRevision ?? rollout.run?.revision ?? '';
  const stable = { revision: stableRevision, ...addresses('stable') };
  if (!wanted.canary) return { epoch: wanted.epoch, routingKey, canaryBasisPoints: 0, tracks: { stable } };
  const canary = { revision: rollout.run?.revision ?? stableRevision, ...addresses('canary') };
  const peak = before?.tracks.canary === undefined ? 0 : (before.canaryPeakBasisPoints ?? 10_000);
  return {
    epoch: wanted.epoch,
    routingKey,
    canaryBasisPoints: wanted.basisPoints,
    canaryPeakBasisPoints: Math.max(peak, wanted.basisPoints),
    tracks: { stable, canary },
  };
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
