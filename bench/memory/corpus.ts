import { sampleCorpus } from '../../cli/import/sample-corpus.js';
import type { Random } from '../../services/common/network/random.js';
import { shuffle } from '../../services/common/network/random.js';

/** A message as its concepts and their activations. */
export interface Message {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly concepts: ReadonlyMap<string, number>;
}

/** The corpus in three parts that share no message. */
export interface Split {
  /** What every method learns from. */
  readonly training: readonly Message[];
  /** What the baselines' parameters are chosen by. */
  readonly validation: readonly Message[];
  /** What is measured. */
  readonly test: readonly Message[];
}

/** Every message of the sample mail that says something, once. Order is that of the files. */
export async function readMessages(): Promise<Message[]> {
  const messages = new Map<string, Message>();
  for await (const parsed of sampleCorpus()) {
    if ('broken' in parsed) continue;
    const { id, time, concepts } = parsed.episode;
    const named = new Map(Object.entries(concepts));
    if (named.size > 0 && !messages.has(id)) messages.set(id, { id, time, concepts: named });
  }
  return [...messages.values()];
}

/**
 * Splits at random.
 * @param sizes messages of each held-out part, and the most of the training part
 */
export function splitMessages(
  messages: readonly Message[],
  sizes: { readonly validation: number; readonly test: number; readonly training: number },
  random: Random,
): Split {
  const order = Uint32Array.from(messages.keys());
  shuffle(order, random);
  const take = (from: number, count: number) =>
    Array.from(order.subarray(from, from + count), (k) => messages[k]!);
  const heldOut = sizes.test + sizes.validation;
  return {
    test: take(0, sizes.test),
    validation: take(sizes.test, sizes.validation),
    // In order of file, as an import would store them.
    training: Array.from(order.subarray(heldOut, heldOut + sizes.training).sort(), (k) => messages[k]!),
  };
}

/** Concepts that at least `least` of the messages hold, in order of first appearance. */
export function vocabularyOf(messages: readonly Message[], least: number): string[] {
  const counts = new Map<string, number>();
  for (const { concepts } of messages) {
    for (const name of concepts.keys()) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count >= least).map(([name]) => name);
}
