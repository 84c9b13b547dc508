import type { Segment } from '../domain/segment.js';
import type { CommitQueue } from './commit-queue.js';
import { postingKey } from './keys.js';
import { encodeColumns, encodePosting } from './records.js';
import { segmentKey } from './state.js';

/** Postings in one transaction: small, so that writers who share it hardly wait. */
const postingsAtOnce = 1024;

/**
 * Moves a full segment's postings to disk, while writes go on. Stopped at any moment, it leaves postings that are written
 * again next time: the segment counts as sealed only from its columns on, which come last.
 */
export async function sealSegment(
  queue: CommitQueue,
  tenant: string,
  segment: Segment,
  signal: AbortSignal,
): Promise<void> {
  const concepts = segment.concepts();
  for (let first = 0; first < concepts.length; first += postingsAtOnce) {
    if (signal.aborted) return;
    await queue.submit((draft) => {
      for (const concept of concepts.subarray(first, first + postingsAtOnce)) {
        const posting = segment.posting(concept)!;
        draft.put(draft.tables.postings, postingKey(tenant, segment.number, concept), encodePosting(posting));
      }
    });
  }
  await queue.submit((draft) => {
    draft.put(draft.tables.segments, segmentKey(tenant, segment.number), encodeColumns(segment.columns));
    draft.noteSealed(tenant, segment.number);
    draft.afterFlush(() => segment.seal());
  });
}
