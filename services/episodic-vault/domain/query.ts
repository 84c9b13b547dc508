import type { ConceptIndex } from './concept-index.js';
import { segmentSize, sequenceAt, type Segment } from './segment.js';
import { Top } from './top.js';

/** Which episodes are wanted. */
export interface ConceptQuery {
  /** Concepts without repetition, at least 1. */
  readonly concepts: Uint32Array;
  /** How many of the concepts an episode has to hold, at least 1. */
  readonly atLeast: number;
  /** Earliest time, inclusive, in milliseconds. */
  readonly fromUnixMs: number;
  /** Latest time, exclusive, in milliseconds. */
  readonly toUnixMs: number;
  /** At least 1. */
  readonly limit: number;
}

/** Sequences of the newest matching episodes, newest first; of two at one time, the one stored later comes first. */
export function query(index: ConceptIndex, wanted: ConceptQuery): number[] {
  const newest = new Top(wanted.limit);
  for (const segment of index.segments) {
    if (segment.live > 0) collect(index, segment, wanted, newest);
  }
  return newest.sorted().map(({ item }) => item);
}

function collect(index: ConceptIndex, segment: Segment, wanted: ConceptQuery, newest: Top): void {
  const held = countHeld(index, segment, wanted.concepts);
  const { lengths, times } = segment.columns;
  for (let offset = 0; offset < segmentSize; offset++) {
    if (held[offset]! < wanted.atLeast || lengths[offset] === 0) continue;
    const time = times[offset]!;
    if (time < wanted.fromUnixMs || time >= wanted.toUnixMs) continue;
    newest.offer(time, sequenceAt(segment.number, offset));
  }
}

/** For each offset, how many of the concepts its episode holds. */
function countHeld(index: ConceptIndex, segment: Segment, concepts: Uint32Array): Uint16Array {
  const held = new Uint16Array(segmentSize);
  for (const concept of concepts) {
    for (const offset of index.posting(segment, concept)?.offsets ?? []) held[offset]! += 1;
  }
  return held;
}
