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

/** How far a drain has come; stored after every batch. */
export type DrainProgress = z.output<typeof progressSchema>;

/**
 * Moves the canary's episodes to stable: fence, copy, compare. {@link ensure} starts it, or starts it again where a
 * killed operator left off, and returns at once; {@link progress} tells how far it is.
 */
export class Drain {
  readonly #file: string;
  readonly #logger: Logger;
  #running: Promise<void> | undefined;

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

  /** Runs the drain at an epoch unless it runs already or is verified. A failure is logged; the next call tries again. */
  ensure(
    epoch: number,
    tracks: { readonly stable: TrackClients; readonly canary: TrackClients },
    signal: AbortSignal,
  ): void {
    if (this.#running !== undefined) return;
    const before = this.progress;
    if (before?.epoch === epoch && before.verified) return;
    this.#running = this.#run(epoch, tracks, signal)
      .catch((error: unknown) =>
        this.#logger.warn({ err: error, epoch }, 'the drain stopped; it is tried again'),
      )
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #run(
    epoch: number,
    tracks: { stable: TrackClients; canary: TrackClients },
    signal: AbortSignal,
  ): Promise<void> {
    const { stable, canary } = tracks;
    await canary.vault.fence({ epoch }, { signal });
    await stable.vault.fence({ epoch }, { signal });
    const { tenants } = await canary.vault.listTenants({}, { signal });
    const last = new Map<string, number>();
    for (const tenant of tenants)
      last.set(tenant, (await canary.vault.getStats({ tenant }, { signal })).lastSequence);
    const lastSequence = [...last.values()].reduce((sum, sequence) => sum + sequence, 0);
    const cursors: Record<string, number> = { ...this.progress?.cursors };
    const store = (verified: boolean) => {
      const copiedThrough = Object.values(cursors).reduce((sum, sequence) => sum + sequence, 0);
      this.#store({ epoch, cursors, copiedThrough, lastSequence, verified });
    };
    let different = 0;
    for (const tenant of tenants) {
      const copy = { source: canary.vault, target: stable.vault, tenant, epoch, signal };
      cursors[tenant] = await copyEpisodes(copy, cursors[tenant] ?? 0, (sequence) => {
        cursors[tenant] = sequence;
        store(false);
      });
      const wrong = await compareEpisodes(copy);
      different += wrong.length;
      if (wrong.length > 0) {
        this.#logger.error(
          { tenant, ids: wrong.slice(0, 10), count: wrong.length },
          'episodes differ after the copy',
        );
        // Copying is idempotent: the next attempt goes over everything again.
        cursors[tenant] = 0;
      }
    }
    store(different === 0);
  }

  #store(progress: DrainProgress): void {
    writeFileAtomic.sync(this.#file, JSON.stringify(progress));
  }
}
