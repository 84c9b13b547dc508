import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { u64 } from './keys.js';
import { metaKeys } from './state.js';
import { openTables } from './tables.js';

/**
 * Makes a vault that was restored ready for another MemoryCluster. A vault refuses writes by shard tables that are older than
 * the newest it has seen, and those of another cluster may be, when clocks differ.
 * @returns false when the folder holds no vault
 * @throws ConfigError when a process has it open, or it cannot be read
 */
export async function forgetEpoch(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, 'vault.mdb'))) return false;
  const tables = openTables(folder);
  await tables.meta.put(metaKeys.epoch, u64(0));
  await tables.root.flushed;
  await tables.root.close();
  return true;
}
