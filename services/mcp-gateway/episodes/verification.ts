import { Counter, type Registry } from 'prom-client';
import { ServiceError } from '../../common/errors.js';
import type { Track } from '../../common/shards/shards.js';
import type { RequestContext } from '../routing/router.js';
import type { EpisodeStore, Put } from './store.js';

/** Reads a sample of the acknowledged episodes back: the canary analysis compares the tracks by what it finds. */
export class Verification {
  readonly #store: EpisodeStore;
  readonly #share: number;
  readonly #random: () => number;
  readonly #checks: Counter<'track'>;
  readonly #mismatches: Counter<'track'>;

  /**
   * @param share part of the puts that is read back, 0 to 1
   * @param random uniform in [0, 1)
   */
  constructor(store: EpisodeStore, share: number, registry: Registry, random: () => number = Math.random) {
    this.#store = store;
    this.#share = share;
    this.#random = random;
    this.#checks = new Counter({
      name: 'gateway_put_get_checks_total',
      help: 'Acknowledged episodes that were read back and compared.',
      labelNames: ['track'],
      registers: [registry],
    });
    this.#mismatches = new Counter({
      name: 'gateway_put_get_mismatch_total',
      help: 'Acknowledged episodes that were missing or different when read back.',
      labelNames: ['track'],
      registers: [registry],
    });
    for (const track of ['stable', 'canary']) {
      this.#checks.inc({ track }, 0);
      this.#mismatches.inc({ track }, 0);
    }
  }

  /** Reads the episode back if it falls into the sample; never throws. A track that cannot be asked is no mismatch. */
  async sample(put: Put, track: Track, context: RequestContext): Promise<void> {
    if (this.#random() >= this.#share) return;
    try {
      const isKept = await this.#store.isKept(put, track, context);
      this.#checks.inc({ track });
      if (isKept) return;
      this.#mismatches.inc({ track });
      context.logger.error({ track, id: put.episode.id }, 'an acknowledged episode is missing or different');
    } catch (error) {
      context.logger.debug({ track, reason: ServiceError.from(error).message }, 'read-back skipped');
    }
  }
}
