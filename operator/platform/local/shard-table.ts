import { readFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import type { ShardTable } from '../../../services/common/shards/table.js';
import { publishedTable } from '../../tracks/shard-table.js';

/** The published table, or undefined where there is none that can be read. */
export function readShardTable(path: string): ShardTable | undefined {
  try {
    return publishedTable(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Replaces the published table in one step; writing the same content again changes nothing. */
export function publishShardTable(path: string, table: ShardTable): void {
  const text = `${JSON.stringify(table, undefined, 2)}\n`;
  if (JSON.stringify(readShardTable(path)) !== JSON.stringify(table)) writeFileAtomic.sync(path, text);
}
