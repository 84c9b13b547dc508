import { z } from 'zod';
import type { Logger } from '../../services/common/logger.js';
import type { TrackClients, Tracks } from './clients.js';
import { compareEpisodes, copyEpisodes } from './copy-episodes.js';
import { readDocument, type KeptDocuments } from './kept-documents.js';

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

/** How far a drain has come; stored at least every second while it copies, and at its end. */
export type DrainProgress = z.output<typeof progressSchema>;

/** Copies are idempotent, so a step that was not stored is only done again. */
const storeEveryMs = 1_000;

/** What a drain works with. */
interface DrainContext {
  readonly documents: KeptDocuments;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * Moves the canary's episodes to stable: fence, copy, compare. {@link run} goes on where a killed operator left off;
 * {@link progress} tells how far it is.
 */
export class Drain {
  readonly #context: DrainContext;
  #progress: DrainProgress | undefined;

  constructor(context: DrainContext) {
    this.#context = context;
  }

  /** The stored progress; undefined when no drain has begun. */
  async progress(): Promise<DrainProgress | undefined> {
    const { documents } = this.#context;
    this.#progress ??= await readDocument(documents, 'drain', (json) => progressSchema.parse(json));
    return this.#progress;
  }

  /** Forgets a finished drain, so that the next canary starts from zero. */
  async clear(): Promise<void> {
    this.#progress = undefined;
    await this.#context.documents.remove('drain');
  }

  /**
   * Runs the drain at an epoch; returns at once when it is verified already.
   * @throws Error when an episode is not the same on both tracks
   */
  async run(epoch: number, tracks: Tracks, signal: AbortSignal): Promise<void> {
    const { now, logger } = this.#context;
    const before = await this.progress();
    if (before?.epoch === epoch && before.verified) return;
    const { stable, canary } = tracks;
    await canary.vault.fence({ epoch }, { signal });
    await stable.vault.fence({ epoch }, { signal });
    const { tenants } = await canary.vault.listTenants({}, { signal });
    const lastSequence = await lastSequenceOf(canary, tenants, signal);
    const cursors: Record<string, number> = { ...before?.cursors };
    let storedAt = -Infinity;
    const store = async (verified: boolean) => {
      const copiedThrough = Object.values(cursors).reduce((sum, sequence) => sum + sequence, 0);
      storedAt = now();
      await this.#store({ epoch, cursors, copiedThrough, lastSequence, verified });
    };
    let agree = true;
    for (const tenant of tenants) {
      const copy = { source: canary.vault, target: stable.vault, tenant, epoch, signal };
      cursors[tenant] = await copyEpisodes(copy, cursors[tenant] ?? 0, async (sequence) => {
        cursors[tenant] = sequence;
        if (now() - storedAt >= storeEveryMs) await store(false);
      });
      const wrong = await compareEpisodes(copy);
      if (wrong.length === 0) continue;
      logger.error(
        { tenant, ids: wrong.slice(0, 10), count: wrong.length },
        'episodes differ after the copy',
      );
      agree = false;
      // Copying is idempotent: the next attempt goes over everything again.
      cursors[tenant] = 0;
    }
    await store(agree);
    // Failed work is tried again with more and more patience; what was stored says from where.
    if (!agree) throw new Error('episodes differ after the copy');
  }

  /** What is kept in memory never runs ahead of what is stored. */
  async #store(progress: DrainProgress): Promise<void> {
    this.#progress = undefined;
    await this.#context.documents.write('drain', JSON.stringify(progress));
    this.#progress = progress;
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
