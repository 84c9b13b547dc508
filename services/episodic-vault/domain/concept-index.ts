import type { Posting } from './posting-list.js';
import { Segment, segmentOf, segmentSize, type IndexedEpisode } from './segment.js';

/** Reads a posting of a sealed segment; undefined when the concept does not occur in it. */
export type SealedPostings = (segment: number, concept: number) => Posting | undefined;

/** The concept index of one tenant: which episodes hold a concept, how strongly, and when they happened. */
export class ConceptIndex {
  readonly #segments = new Map<number, Segment>();
  readonly #sealedPostings: SealedPostings;

  constructor(sealedPostings: SealedPostings) {
    this.#sealedPostings = sealedPostings;
  }

  /** Segments in ascending order. */
  get segments(): readonly Segment[] {
    return [...this.#segments.values()];
  }

  /** Takes a segment that was read from disk. Segments come in ascending order. */
  adopt(segment: Segment): void {
    this.#segments.set(segment.number, segment);
  }

  /** Adds a stored episode. Sequences come in ascending order. */
  add(episode: IndexedEpisode): void {
    const number = segmentOf(episode.sequence);
    let segment = this.#segments.get(number);
    if (segment === undefined) this.adopt((segment = new Segment(number)));
    segment.add(episode);
  }

  segment(number: number): Segment | undefined {
    return this.#segments.get(number);
  }

  remove(sequence: number): void {
    this.#segments.get(segmentOf(sequence))?.remove(sequence);
  }

  drop(segment: number): void {
    this.#segments.delete(segment);
  }

  /** The oldest open segment that will get no further sequence. */
  nextFull(lastSequence: number): Segment | undefined {
    for (const segment of this.#segments.values()) {
      if (!segment.sealed && (segment.number + 1) * segmentSize <= lastSequence) return segment;
    }
    return undefined;
  }

  posting(segment: Segment, concept: number): Posting | undefined {
    return segment.sealed ? this.#sealedPostings(segment.number, concept) : segment.posting(concept);
  }
}
