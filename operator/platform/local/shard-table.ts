import { readFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { serviceAddresses, type Ports, type Track } from './ports.js';
import type { RoutingKey } from '../../../services/common/shards/shards.js';
import { parseShardTable, type ShardTable } from '../../../services/common/shards/table.js';

/** What the rollout wants the gateway to serve. */
export interface WantedTable {
  readonly epoch: number;
  readonly basisPoints: number;
  readonly canary: boolean;
}

/** The table for this machine; `peak` keeps the highest share that the present canary ever had. */
export function shardTableOf(
  wanted: WantedTable,
  context: {
    readonly routingKey: RoutingKey;
    readonly ports: Ports;
    readonly revisions: Readonly<Record<Track, string>>;
    readonly before: ShardTable | undefined;
  },
): ShardTable {
  const { routingKey, ports, revisions, before } = context;
  const track = (name: Track) => ({ revision: revisions[name], ...serviceAddresses(ports, name) });
  const stable = track('stable');
  if (!wanted.canary) return { epoch: wanted.epoch, routingKey, canaryBasisPoints: 0, tracks: { stable } };
  const peak = before?.tracks.canary === undefined ? 0 : (before.canaryPeakBasisPoints ?? 10_000);
  return {
    epoch: wanted.epoch,
    routingKey,
    canaryBasisPoints: wanted.basisPoints,
    canaryPeakBasisPoints: Math.max(peak, wanted.basisPoints),
    tracks: { stable, canary: track('canary') },
  };
}

/** The published table, or undefined where there is none that can be read. */
export function readShardTable(path: string): ShardTable | undefined {
  try {
    return parseShardTable(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Replaces the published table in one step; writing the same content again changes nothing. */
export function publishShardTable(path: string, table: ShardTable): void {
  const text = `${JSON.stringify(table, undefined, 2)}\n`;
  if (JSON.stringify(readShardTable(path)) !== JSON.stringify(table)) writeFileAtomic.sync(path, text);
}

const readinessSchema = z.object({ ready: z.boolean(), epoch: z.number().int() });

/** The epoch that the gateway on this machine serves; undefined while it is not ready. */
export async function gatewayEpoch(ports: Ports): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${ports.gateway}/readyz`, {
      signal: AbortSignal.timeout(2_000),
    });
    const { ready, epoch } = readinessSchema.parse(await response.json());
    return ready ? epoch : undefined;
  } catch {
    return undefined;
  }
}
