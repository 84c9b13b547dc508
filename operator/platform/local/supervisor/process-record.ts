import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';

const recordSchema = z.object({
  key: z.string(),
  pid: z.number().int().positive(),
  revision: z.string(),
  /** Fingerprint of the program and environment that it was started with. */
  fingerprint: z.string(),
  metricsPort: z.number().int(),
  startedAt: z.number(),
});

/**
 * A started process, written to disk before it is relied on: an operator that was killed finds its processes by these
 * records and takes them over in place of starting them a second time.
 */
export type ProcessRecord = z.output<typeof recordSchema>;

/** Records in a folder, one file a process. */
export class ProcessRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  write(record: ProcessRecord): void {
    writeFileAtomic.sync(this.#path(record.key), JSON.stringify(record));
  }

  remove(key: string): void {
    rmSync(this.#path(key), { force: true });
  }

  /** All readable records; a file that was torn by a crash is dropped, since its process is found by its port. */
  list(): ProcessRecord[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => {
        const path = join(this.#folder, name);
        try {
          return [recordSchema.parse(JSON.parse(readFileSync(path, 'utf8')))];
        } catch {
          rmSync(path, { force: true });
          return [];
        }
      });
  }

  #path(key: string): string {
    return join(this.#folder, `${key.replaceAll('/', '-')}.json`);
  }
}
