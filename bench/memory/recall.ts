import { shuffle, type Random } from '../../services/common/network/random.js';
import type { Message } from './corpus.js';

/** Names for a message that is to be found again. */
export interface RecallCue {
  readonly id: string;
  readonly concepts: readonly string[];
}

/** Ids of messages, best first; at least 10 where there are as many. */
export type Recaller = (concepts: readonly string[]) => readonly string[] | Promise<readonly string[]>;

/** Shares of cues whose message came first, and among the first ten. */
export interface RecallQuality {
  readonly at1: number;
  readonly at10: number;
}

/** Random concepts of each message, as many as `sizeOf` says of its number of concepts. */
export function cuesOf(
  messages: readonly Message[],
  sizeOf: (concepts: number) => number,
  random: Random,
): RecallCue[] {
  return messages.map(({ id, concepts }) => {
    const names = [...concepts.keys()];
    const order = Uint32Array.from(names.keys());
    shuffle(order, random);
    return { id, concepts: Array.from(order.subarray(0, sizeOf(names.length)), (k) => names[k]!) };
  });
}

/** Looks for the message of each cue. */
export async function measureRecall(recall: Recaller, cues: readonly RecallCue[]): Promise<RecallQuality> {
  let first = 0;
  let ten = 0;
  for (const { id, concepts } of cues) {
    const place = (await recall(concepts)).slice(0, 10).indexOf(id);
    if (place === 0) first++;
    if (place >= 0) ten++;
  }
  return { at1: first / cues.length, at10: ten / cues.length };
}
