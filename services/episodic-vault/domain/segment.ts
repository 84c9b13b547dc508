import { PostingList, type Posting } from './posting-list.js';

/** Sequences in one segment; a posting's offset fits u16. */
export const segmentSize = 4096;

/** Segment that a sequence (from 1) belongs to. */
export function segmentOf(sequence: number): number {
  return Math.floor((sequence - 1) / segmentSize);
}

/** A sequence's place in its segment. */
export function offsetOf(sequence: number): number {
  return (sequence - 1) % segmentSize;
}

/** The sequence at an offset of a segment. */
export function sequenceAt(segment: number, offset: number): number {
  return segment * segmentSize + offset + 1;
}

/** What the index keeps of an episode besides its postings. */
export interface IndexedEpisode {
  readonly sequence: number;
  readonly timeUnixMs: number;
  /** Concepts, strictly ascending. */
  readonly ids: Uint32Array;
  /** Their activations, above 0. */
  readonly values: Float32Array;
}

/** Columns of a segment, one entry an offset; an offset without a live episode has length 0. */
export interface SegmentColumns {
  /** Sum of activations. */
  readonly lengths: Float32Array;
  /** Number of concepts. */
  readonly counts: Uint32Array;
  /** Time of the episode, in milliseconds since the Unix epoch. */
  readonly times: Float64Array;
}

/** Columns without an episode. */
export function emptyColumns(): SegmentColumns {
  return {
    lengths: new Float32Array(segmentSize),
    counts: new Uint32Array(segmentSize),
    times: new Float64Array(segmentSize),
  };
}

/**
 * A run of consecutive sequences in the concept index. While it is open its postings are in memory; once it is sealed
 * they are on disk, and only the columns stay.
 */
export class Segment {
  readonly number: number;
  readonly columns: SegmentColumns;
  #live = 0;
  #removed = 0;
  #totalLength = 0;
  #totalCount = 0;
  #postings: Map<number, PostingList> | undefined;

  /** @param columns of a sealed segment; without them the segment is open and empty */
  constructor(number: number, columns?: SegmentColumns) {
    this.number = number;
    this.columns = columns ?? emptyColumns();
    if (columns === undefined) this.#postings = new Map();
    for (let offset = 0; offset < segmentSize; offset++) this.#account(offset, 1);
    // Sealed postings may hold episodes that were removed since.
    if (columns !== undefined) this.#removed = segmentSize - this.#live;
  }

  get sealed(): boolean {
    return this.#postings === undefined;
  }

  /** Episodes that are stored now. */
  get live(): number {
    return this.#live;
  }

  /** Whether postings may name episodes that are no longer stored. */
  get hasRemoved(): boolean {
    return this.#removed > 0;
  }

  /** Sum of the lengths of live episodes. */
  get totalLength(): number {
    return this.#totalLength;
  }

  /** Sum of the concept counts of live episodes. */
  get totalCount(): number {
    return this.#totalCount;
  }

  /** Adds an episode to an open segment. Sequences come in ascending order. */
  add(episode: IndexedEpisode): void {
    const postings = this.#postings;
    if (postings === undefined) throw new Error(`segment ${this.number} is sealed`);
    const offset = offsetOf(episode.sequence);
    let length = 0;
    for (let k = 0; k < episode.ids.length; k++) {
      const value = episode.values[k]!;
      length += value;
      listOf(postings, episode.ids[k]!).push(offset, value);
    }
    this.columns.lengths[offset] = length;
    this.columns.counts[offset] = episode.ids.length;
    this.columns.times[offset] = episode.timeUnixMs;
    this.#account(offset, 1);
  }

  /** Takes an episode out; its postings stay and are passed over. */
  remove(sequence: number): void {
    const offset = offsetOf(sequence);
    if (this.columns.lengths[offset] === 0) return;
    this.#account(offset, -1);
    this.columns.lengths[offset] = 0;
    this.#removed += 1;
  }

  /** Postings of a concept in an open segment. */
  posting(concept: number): Posting | undefined {
    return this.#postings?.get(concept)?.view();
  }

  /** Concepts of an open segment, ascending. */
  concepts(): Uint32Array {
    return Uint32Array.from(this.#postings?.keys() ?? []).sort();
  }

  /** Lets go of the postings: they are on disk. */
  seal(): void {
    this.#postings = undefined;
  }

  #account(offset: number, sign: 1 | -1): void {
    const length = this.columns.lengths[offset]!;
    if (length === 0) return;
    this.#live += sign;
    this.#totalLength += sign * length;
    this.#totalCount += sign * this.columns.counts[offset]!;
  }
}

function listOf(postings: Map<number, PostingList>, concept: number): PostingList {
  const known = postings.get(concept);
  if (known !== undefined) return known;
  const list = new PostingList();
  postings.set(concept, list);
  return list;
}
