import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Logger } from '../../common/logger.js';
import { ServiceError } from '../../common/errors.js';
import { parseShardTable, type ShardTable } from '../../common/shards/table.js';

/** How often the file is read without being told: some file systems tell nothing. */
const pollMs = 2_000;

/** The newest valid shard table of a file that somebody else replaces. */
export interface TableSource {
  /** The table in force. @throws UNAVAILABLE until there is a valid one */
  current(): ShardTable;
  /** The table in force, or undefined until there is a valid one. */
  peek(): ShardTable | undefined;
  /** Reads the file now. Never throws: a file that cannot be used leaves the table in force. */
  refresh(): Promise<void>;
  close(): void;
}

/**
 * Watches the file's folder, because an atomic replacement changes the folder and not the file. Epochs only rise: a table
 * with the epoch in force or an older one is not taken.
 * @param adopt called with each table before it comes into force
 */
export async function watchTable(
  path: string,
  adopt: (table: ShardTable) => void,
  logger: Logger,
): Promise<TableSource> {
  let table: ShardTable | undefined;
  let text: string | undefined;
  let reading = Promise.resolve();

  const read = async () => {
    const next = await readFile(path, 'utf8').catch(() => undefined);
    if (next === undefined || next === text) return;
    text = next;
    try {
      const parsed = parseShardTable(next);
      if (parsed.epoch <= (table?.epoch ?? -1)) {
        logger.warn(
          { epoch: parsed.epoch, inForce: table?.epoch },
          'shard table ignored: its epoch is not newer',
        );
        return;
      }
      adopt(parsed);
      table = parsed;
      logger.info(
        { epoch: parsed.epoch, canaryBasisPoints: parsed.canaryBasisPoints },
        'shard table in force',
      );
    } catch (error) {
      logger.error({ reason: String(error), inForce: table?.epoch }, 'shard table ignored');
    }
  };
  // One reading at a time, in order.
  const refresh = () => (reading = reading.then(read));

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), (_event, name) => {
      if (name === null || name === basename(path) || name === '..data') void refresh();
    });
    watcher.on('error', () => undefined);
  } catch {
    logger.warn({ path }, 'the folder of the shard table cannot be watched; it is read every two seconds');
  }
  const timer = setInterval(() => void refresh(), pollMs);
  await refresh();

  return {
    current() {
      if (table !== undefined) return table;
      throw new ServiceError(
        'UNAVAILABLE',
        `the shard table ${path} is not there yet; the operator writes it`,
      );
    },
    peek: () => table,
    refresh,
    close() {
      clearInterval(timer);
      watcher?.close();
    },
  };
}
