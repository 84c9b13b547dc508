import { readFileSync, rmSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { Logger } from '../../../../services/common/logger.js';
import type { TrackClients } from './clients.js';
import { compareEpisodes, copyEpisodes } from './copy-episodes.js';

const progressSchema = z.object({
  epoch: z.number().int(),
  /** Source sequence that is safe in the target, by tenant. */
  cursors: z.record(z.string(), z.number().int()),
  /** Sum over tenants. */
  copiedThrough: z.number().int(),
  lastSequence: z.number().int(),
  /** Ids and digests of both vaults agreed. */
  verified: z.boolean(),
});

interface Tracks {
  readonly stable: TrackClients;
  readonly canary: TrackClients;
}

/** How far a drain has come; stored after every batch. */
export type DrainProgress = z.output<typeof progressSchema>;

/**
 * Moves the canary's episodes to stable: fence, copy, compare. {@link run} goes on where a killed operator left off;
 * {@link progress} tells how far it is.
 */
export class Drain {
  readonly #file: string;
  readonly #logger: Logger;

  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** The stored progress; undefined when no drain has begun. */
  get progress(): DrainProgress | undefined {
    try {
      return progressSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Forgets a finished drain, so that the next canary starts from zero. */
  clear(): void {
    rmSync(this.#file, { force: true });
  }

  /** Runs the drain at an epoch; returns at once when it is verified already. */
  async run(epoch: number, tracks: Tracks, signal: AbortSignal): Promise<void> {
    const before = this.progress;
    if (before?.epoch === epoch && before.verified) return;
    const { stable, canary } = tracks;
    await canary.vault.fence({ epoch }, { signal });
    await stable.vault.fence({ epoch }, { signal });
    const { tenants } = await canary.vault.listTenants({}, { signal });
    const lastSequence = await lastSequenceOf(canary, tenants, signal);
    const cursors: Record<string, number> = { ...before?.cursors };
    const store = (verified: boolean) => {
      const copiedThrough = Object.values(cursors).reduce((sum, sequence) => sum + sequence, 0);
      this.#store({ epoch, cursors, copiedThrough, lastSequence, verified });
    };
    let agree = true;
    for (const tenant of tenants) {
      const copy = { source: canary.vault, target: stable.vault, tenant, epoch, signal };
      cursors[tenant] = await copyEpisodes(copy, cursors[tenant] ?? 0, (sequence) => {
        cursors[tenant] = sequence;
        store(false);
      });
      const wrong = await compareEpisodes(copy);
      if (wrong.length === 0) continue;
      this.#logger.error(
        { tenant, ids: wrong.slice(0, 10), count: wrong.length },
        'episodes differ after the copy',
      );
      agree = false;
      // Copying is idempotent: the next attempt goes over everything again.
      cursors[tenant] = 0;
    }
    store(agree);
  }

  #store(progress: DrainProgress): void {
    writeFileAtomic.sync(this.#file, JSON.stringify(progress));
  }
}

/** Sum of the tenants' last sequences. */
async function lastSequenceOf(
  track: TrackClients,
  tenants: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (const tenant of tenants) sum += (await track.vault.getStats({ tenant }, { signal })).lastSequence;
  return sum;
}
