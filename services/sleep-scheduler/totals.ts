import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { ConfigError } from '../common/config/config.js';

const totalsSchema = z.object({
  cycles: z.number().int().min(0),
  accepted: z.number().int().min(0),
  quarantined: z.number().int().min(0),
  episodesReplayed: z.number().int().min(0),
});

/** Totals over the life of a tenant. */
export type Totals = z.output<typeof totalsSchema>;

const none: Totals = { cycles: 0, accepted: 0, quarantined: 0, episodesReplayed: 0 };

/** Totals by tenant, one small file each. They are for people and for naming cycles; no decision rests on them. */
export class TotalsStore {
  readonly #folder: string;

  /** @throws ConfigError naming DATA_DIR when the folder cannot be made */
  constructor(dataDir: string) {
    this.#folder = dataDir;
    try {
      mkdirSync(dataDir, { recursive: true });
    } catch (cause) {
      throw new ConfigError(`DATA_DIR = ${JSON.stringify(dataDir)}: expected a folder that can be written`, {
        cause,
      });
    }
  }

  read(tenant: string): Totals {
    try {
      return totalsSchema.parse(JSON.parse(readFileSync(this.#path(tenant), 'utf8')));
    } catch {
      return none;
    }
  }

  add(tenant: string, change: Partial<Totals>): Totals {
    const before = this.read(tenant);
    const after: Totals = {
      cycles: before.cycles + (change.cycles ?? 0),
      accepted: before.accepted + (change.accepted ?? 0),
      quarantined: before.quarantined + (change.quarantined ?? 0),
      episodesReplayed: before.episodesReplayed + (change.episodesReplayed ?? 0),
    };
    writeFileAtomic.sync(this.#path(tenant), JSON.stringify(after));
    return after;
  }

  #path(tenant: string): string {
    return join(this.#folder, `${tenant}.json`);
  }
}
