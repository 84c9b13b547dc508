import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import type { BusEvent, EventSource } from '../common/bus/bus.js';
import { Changes } from '../common/bus/changes.js';
import { ServiceError } from '../common/errors.js';
import type { ConceptIndex } from './domain/concept-index.js';
import { query, type ConceptQuery } from './domain/query.js';
import { rank, type Cue } from './domain/rank.js';
import {
  deleteEpisode,
  dropExpired,
  dropSegment,
  fence,
  internConcepts,
  storeEpisodes,
  type DeleteOutcome,
  type Deletion,
  type PreparedEpisode,
  type PutOutcome,
} from './storage/changes.js';
import { CommitQueue } from './storage/commit-queue.js';
import type { DiskGuard } from './storage/disk-guard.js';
import { Draft } from './storage/draft.js';
import { digestOf, entriesAfter, episodeAt, episodesByTime, eventsAfter, findId } from './storage/reads.js';
import type { TimedEpisode, TimeRange } from './storage/reads.js';
import type { IdRecord } from './storage/records.js';
import { sealSegment } from './storage/sealing.js';
import { loadState, type TenantState, type VaultState } from './storage/state.js';
import { openTables, sizeOnDisk, type Tables } from './storage/tables.js';
import type { ReplayResponse } from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';

/** What a vault is given. */
export interface VaultOptions {
  /** Folder of its files. */
  readonly folder: string;
  readonly guard: DiskGuard;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Told after each flush, and once at the start. */
  readonly onChange: (vault: Vault) => void;
  /** Told when work in the background failed; the vault goes on. */
  readonly onBackgroundError: (error: unknown) => void;
}

/** Writes that are in flight together and stand or fall in their order. */
export interface WriteChain {
  /** Why one of them was refused. */
  refusal: ServiceError | undefined;
}

/**
 * Episodes of all tenants on disk. Writes resolve once they are flushed; reads see flushed writes only.
 * Its {@link EventSource} side is the outbox of all tenants in one order.
 */
export class Vault implements EventSource {
  readonly #tables: Tables;
  readonly #state: VaultState;
  readonly #options: VaultOptions;
  readonly #queue: CommitQueue;
  readonly #changes = new Changes();
  readonly #closing = new AbortController();
  #sealing: Promise<void> | undefined;

  /** @throws ConfigError naming DATA_DIR when the folder cannot hold a vault */
  constructor(options: VaultOptions) {
    this.#options = options;
    this.#tables = openTables(options.folder);
    this.#state = loadState(this.#tables);
    this.#queue = new CommitQueue({
      begin: () => new Draft(this.#tables, this.#state, options.now()),
      flushed: () => this.#flushed(),
      failed: (cause) => options.guard.writeError(cause),
    });
    this.#flushed();
  }

  /** Id of the outbox, which event ids begin with. */
  get log(): string {
    return this.#tables.identity;
  }

  /** Highest sequence of the outbox. */
  get lastSequence(): number {
    return this.#state.outboxSequence;
  }

  /** Episodes stored now, of all tenants. */
  get episodeCount(): number {
    return [...this.#state.tenants.values()].reduce((sum, { counts }) => sum + counts.episodes, 0);
  }

  /** Bytes on disk, of all tenants. */
  get sizeBytes(): number {
    return sizeOnDisk(this.#tables);
  }

  /** Lowest epoch that a write may carry. */
  get epoch(): number {
    return this.#state.epoch;
  }

  /** Tenants with at least one sequence, in ascending order. */
  get tenants(): string[] {
    return [...this.#state.tenants]
      .filter(([, { counts }]) => counts.lastSequence > 0)
      .map(([name]) => name)
      .sort();
  }

  /** What is kept in memory of a tenant; undefined when nothing was ever written for it. */
  tenant(name: string): TenantState | undefined {
    return this.#state.tenants.get(name);
  }

  /**
   * Stores episodes in one transaction, all or none.
   * @param chain the writes that this one follows; when one of them was refused, so is this
   */
  store(
    tenant: string,
    episodes: readonly PreparedEpisode[],
    epoch: number,
    chain: WriteChain = { refusal: undefined },
  ): Promise<PutOutcome[]> {
    return this.#queue.submit((draft) => {
      if (chain.refusal !== undefined) throw chain.refusal;
      try {
        this.#options.guard.check();
        return storeEpisodes(draft, tenant, episodes, epoch);
      } catch (error) {
        // Noted here and not by the caller: the next write of the chain may be decided in this very transaction.
        chain.refusal = ServiceError.from(error);
        throw error;
      }
    });
  }

  /** Deletes an episode. Allowed on a full disk, since it is the way out. */
  delete(tenant: string, deletion: Deletion): Promise<DeleteOutcome> {
    return this.#queue.submit((draft) => deleteEpisode(draft, tenant, deletion));
  }

  /** Gives each name its id, adding unknown ones. */
  intern(tenant: string, names: readonly string[]): Promise<Uint32Array> {
    const known = this.lookUp(tenant, names);
    if (known.every((id) => id !== undefined)) return Promise.resolve(Uint32Array.from(known));
    return this.#queue.submit((draft) => {
      this.#options.guard.check();
      return internConcepts(draft, tenant, names);
    });
  }

  /** The id of each name that the dictionary holds. */
  lookUp(tenant: string, names: readonly string[]): (number | undefined)[] {
    const ids = this.tenant(tenant)?.conceptIds;
    return names.map((name) => ids?.get(name));
  }

  fence(epoch: number): Promise<number> {
    return this.#queue.submit((draft) => fence(draft, epoch));
  }

  findId(tenant: string, id: string): IdRecord | undefined {
    return findId(this.#tables, tenant, id);
  }

  episode(tenant: string, sequence: number): Episode | undefined {
    return episodeAt(this.#tables, tenant, sequence);
  }

  /** SHA-256 of a stored episode's content with concepts by name. */
  digest(tenant: string, episode: Episode): Buffer {
    return digestOf(episode, this.tenant(tenant)?.names ?? []);
  }

  /** Entries of a tenant's log above a sequence, at most `limit`. */
  entries(tenant: string, after: number, limit: number): ReplayResponse[] {
    const last = this.tenant(tenant)?.counts.lastSequence ?? 0;
    return entriesAfter(this.#tables, tenant, { after, last }, limit);
  }

  byTime(tenant: string, range: TimeRange, limit: number): TimedEpisode[] {
    return episodesByTime(this.#tables, tenant, range, limit);
  }

  /** Sequences of the newest episodes that hold concepts. */
  query(tenant: string, wanted: ConceptQuery): number[] {
    const index = this.#index(tenant);
    return index === undefined ? [] : query(index, wanted);
  }

  /** Episodes that match a cue best, best first; equal scores in order of id. */
  rank(tenant: string, cue: Cue, limit: number): { id: string; score: number }[] {
    const index = this.#index(tenant);
    if (index === undefined) return [];
    return rank(index, cue, limit)
      .map(({ sequence, score }) => ({ id: this.episode(tenant, sequence)!.id, score }))
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  read(after: number, limit: number): readonly BusEvent[] {
    return eventsAfter(this.#tables, { after, last: this.lastSequence }, limit);
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }

  /** Drops a tenant's episodes that were written before a time, a few at a time. Returns how many. */
  async expire(tenant: string, beforeUnixMs: number): Promise<number> {
    const limit = 1024;
    let dropped = 0;
    for (;;) {
      const count = await this.#queue.submit((draft) => dropExpired(draft, tenant, beforeUnixMs, limit));
      dropped += count;
      if (count < limit) return dropped;
    }
  }

  /** Removes the concept index of sealed segments in which nothing is stored any more. */
  async dropEmptySegments(tenant: string): Promise<void> {
    const segments = this.#index(tenant)?.segments ?? [];
    for (const segment of segments.filter(({ sealed, live }) => sealed && live === 0)) {
      await this.#queue.submit((draft) => dropSegment(draft, tenant, segment.number));
    }
  }

  /** Resolves when no segment is waiting to be sealed. */
  async settled(): Promise<void> {
    while (this.#sealing !== undefined) await this.#sealing;
  }

  /** Ends background work, waits for writes and closes the files. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
    await this.#queue.idle();
    await this.#tables.root.close();
  }

  #index(tenant: string): ConceptIndex | undefined {
    return this.tenant(tenant)?.index;
  }

  #flushed(): void {
    this.#options.onChange(this);
    this.#changes.announce();
    this.#sealNext();
  }

  /** Seals one segment at a time; the flush of its last part leads to the next. */
  #sealNext(): void {
    if (this.#sealing !== undefined || this.#closing.signal.aborted) return;
    for (const [name, { index, counts }] of this.#state.tenants) {
      const segment = index.nextFull(counts.lastSequence);
      if (segment === undefined) continue;
      this.#sealing = sealSegment(this.#queue, name, segment, this.#closing.signal).then(
        () => {
          this.#sealing = undefined;
          this.#sealNext();
        },
        (error: unknown) => {
          this.#sealing = undefined;
          this.#options.onBackgroundError(error);
        },
      );
      return;
    }
  }
}
