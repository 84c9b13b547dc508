/** A scored name or id; lists of them are in order of rank. */
export interface Scored {
  readonly score: number;
}

/** Completions of one track. */
export interface CompletionList {
  /** Part of the requests that this track serves, 0 to 1. */
  readonly share: number;
  readonly completed: readonly { readonly concept: string; readonly score: number }[];
}

/**
 * Merges completions of several tracks: the mean of their scores, weighted by the tracks' shares, that is, what a request
 * would be answered on average. Scores are expectations and so comparable. A concept that a track does not list has at most
 * the score at the end of that track's list, and gets that; a track that lists nothing has no say.
 * @returns at most `limit` concepts, strongest first, equal scores in order of name
 */
export function mergeCompletions(
  lists: readonly CompletionList[],
  limit: number,
): { readonly concept: string; readonly score: number }[] {
  const speaking = lists.filter(({ share, completed }) => share > 0 && completed.length > 0);
  const total = speaking.reduce((sum, { share }) => sum + share, 0);
  const merged = new Map<string, number>();
  for (const { completed } of speaking) for (const { concept } of completed) merged.set(concept, 0);
  for (const { share, completed } of speaking) {
    const scores = new Map(completed.map(({ concept, score }) => [concept, score]));
    const floor = completed.at(-1)!.score;
    for (const [concept, score] of merged) {
      merged.set(concept, score + (share / total) * (scores.get(concept) ?? floor));
    }
  }
  return [...merged]
    .map(([concept, score]) => ({ concept, score }))
    .sort((a, b) => b.score - a.score || (a.concept < b.concept ? -1 : 1))
    .slice(0, limit);
}

/** An episode that one track ranked. */
export interface RankedHit extends Scored {
  readonly id: string;
  /** Cosine of cue and episode, by concept name: means the same on every track. */
  readonly similarity: number;
}

/**
 * Merges rankings of several tracks, whose scores depend on each track's own corpus: each list keeps its order, and where
 * the heads of two lists compete the one more similar to the cue goes first. An id is listed once.
 */
export function mergeRankings<T extends RankedHit>(lists: readonly (readonly T[])[], limit: number): T[] {
  const merged = new Map<string, T>();
  const next = lists.map(() => 0);
  while (merged.size < limit) {
    let best: { readonly list: number; readonly hit: T } | undefined;
    for (const [list, hits] of lists.entries()) {
      const hit = hits[next[list]!];
      if (hit !== undefined && hit.similarity > (best?.hit.similarity ?? -1)) best = { list, hit };
    }
    if (best === undefined) break;
    next[best.list]!++;
    if (!merged.has(best.hit.id)) merged.set(best.hit.id, best.hit);
  }
  return [...merged.values()];
}

/** Cosine of two sparse vectors by name; 0 when they share nothing. */
export function cosine(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): number {
  let product = 0;
  for (const [name, value] of one) product += value * (other.get(name) ?? 0);
  return product === 0 ? 0 : product / (norm(one) * norm(other));
}

function norm(vector: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const value of vector.values()) sum += value * value;
  return Math.sqrt(sum);
}
