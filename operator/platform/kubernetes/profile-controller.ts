import { isDeepStrictEqual } from 'node:util';
import type { TuningProfile } from '../../api/tuning-profile.js';
import { profileStatus } from '../../reconcile/profile-status.js';
import { profileType } from './kinds.js';
import type { Shared } from './shared.js';
import { StatusWriter } from './status-writer.js';

/** Mirrors what a TuningProfile does in every cluster that names it into its status. */
export class ProfileController {
  readonly #shared: Shared;
  readonly #statuses: StatusWriter<TuningProfile>;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#statuses = new StatusWriter(shared.client, profileType);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<undefined> {
    const { caches, clock } = this.#shared;
    const cached = caches.profiles.get(key);
    if (cached === undefined) {
      this.#statuses.forget(key);
      return;
    }
    const profile = this.#statuses.newest(cached);
    const users = caches.clusters
      .by('profile', key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, status }) => ({ name: metadata.name, status }));
    const { generation = 1 } = profile.metadata;
    const status = profileStatus(profile, generation, users, new Date(clock.now()));
    if (isDeepStrictEqual(status, profile.status)) return;
    await this.#statuses.write(profile, status, signal);
  }
}
