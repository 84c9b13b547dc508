import type { Posting } from '../domain/posting-list.js';

/** Postings by tenant, then by segment and concept in one number; null where a segment does not hold the concept. */
type Generation = Map<string, Map<number, Posting | null>>;

/** What an entry costs besides its arrays' bytes, roughly. */
const overheadBytes = 200;
const bytesPerEpisode = 6;

/**
 * Keeps the postings of sealed segments that were used last, within a number of bytes, in two generations: what is used
 * enters the young one; when that is full, it becomes the old one, and what was still in the old one is forgotten. Sealed
 * postings never change and segment numbers are never used again, so nothing else has to be taken out.
 */
export class PostingCache {
  readonly #generationBytes: number;
  #young: Generation = new Map();
  #old: Generation = new Map();
  #youngBytes = 0;

  constructor(capacityBytes: number) {
    this.#generationBytes = capacityBytes / 2;
  }

  /** The posting, from memory or by `read`. */
  get(
    tenant: string,
    segment: number,
    concept: number,
    read: () => Posting | undefined,
  ): Posting | undefined {
    // A segment number above 2^21 would take 8 * 10^9 episodes.
    const key = segment * 2 ** 32 + concept;
    const young = this.#young.get(tenant)?.get(key);
    if (young !== undefined) return young ?? undefined;
    const old = this.#old.get(tenant)?.get(key);
    const posting = old === undefined ? (read() ?? null) : old;
    this.#keep(tenant, key, posting);
    return posting ?? undefined;
  }

  #keep(tenant: string, key: number, posting: Posting | null): void {
    const bytes = overheadBytes + (posting?.offsets.length ?? 0) * bytesPerEpisode;
    if (this.#youngBytes + bytes > this.#generationBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    const postings = this.#young.get(tenant) ?? new Map<number, Posting | null>();
    this.#young.set(tenant, postings);
    postings.set(key, posting);
    this.#youngBytes += bytes;
  }
}
