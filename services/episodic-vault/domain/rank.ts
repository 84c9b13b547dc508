import type { ConceptIndex } from './concept-index.js';
import type { Posting } from './posting-list.js';
import { sequenceAt, segmentSize, type Segment } from './segment.js';
import { Top } from './top.js';

/** Saturation of the term weight and strength of the length norm: the usual defaults of Robertson & Zaragoza 2009, 3.5. */
export const bm25 = { k1: 1.2, b: 0.75 } as const;

/** A cue: concepts, strictly ascending, with their weights, above 0. */
export interface Cue {
  readonly ids: Uint32Array;
  readonly values: Float32Array;
}

/** An episode with its score, above 0. */
export interface Scored {
  readonly sequence: number;
  readonly score: number;
}

/**
 * Episodes that match a cue best, by BM25 (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework", eq. 3.15):
 *
 *     score(d) = sum over c in cue of q_c * idf_c * (k1 + 1) f / (f + k1 (1 - b + b |d| / avg|d|))
 *
 * where f is the activation of c in d in units of the mean activation, so that the scale that a writer chose for its
 * activations does not matter and a typical f is 1, as a typical term count is; |d| is the sum of activations; q_c is the
 * cue's weight; idf_c = ln(1 + (N - n_c + 0.5) / (n_c + 0.5)), the form that stays above 0 for concepts in more than half
 * of the episodes.
 *
 * @param limit at least 1
 * @returns at most `limit` entries with the highest scores, and *all* that tie with the last of them; in no given order
 */
export function rank(index: ConceptIndex, cue: Cue, limit: number): Scored[] {
  const segments = index.segments.filter((segment) => segment.live > 0);
  const corpus = corpusOf(segments);
  if (corpus.episodes === 0) return [];
  const terms = termsOf(index, segments, cue, corpus.episodes);
  const scores = new Float64Array(segments.length * segmentSize);
  segments.forEach((segment, s) => {
    const into = scores.subarray(s * segmentSize, (s + 1) * segmentSize);
    for (const term of terms) {
      const posting = term.postings[s];
      if (posting !== undefined) addScores({ posting, weight: term.weight }, segment, corpus, into);
    }
  });
  return best(segments, scores, limit);
}

interface Corpus {
  readonly episodes: number;
  readonly meanLength: number;
  readonly meanActivation: number;
}

function corpusOf(segments: readonly Segment[]): Corpus {
  let episodes = 0;
  let length = 0;
  let count = 0;
  for (const segment of segments) {
    episodes += segment.live;
    length += segment.totalLength;
    count += segment.totalCount;
  }
  return { episodes, meanLength: length / episodes, meanActivation: length / count };
}

interface Term {
  /** q_c * idf_c * (k1 + 1). */
  readonly weight: number;
  /** One entry a segment. */
  readonly postings: readonly (Posting | undefined)[];
}

function termsOf(index: ConceptIndex, segments: readonly Segment[], cue: Cue, episodes: number): Term[] {
  return Array.from(cue.ids, (concept, k) => {
    const postings = segments.map((segment) => index.posting(segment, concept));
    let holders = 0;
    segments.forEach((segment, s) => (holders += countLive(segment, postings[s])));
    const idf = Math.log(1 + (episodes - holders + 0.5) / (holders + 0.5));
    return { weight: cue.values[k]! * idf * (bm25.k1 + 1), postings };
  });
}

function countLive(segment: Segment, posting: Posting | undefined): number {
  if (posting === undefined) return 0;
  if (!segment.hasRemoved) return posting.offsets.length;
  const { lengths } = segment.columns;
  let live = 0;
  for (const offset of posting.offsets) if (lengths[offset]! > 0) live += 1;
  return live;
}

function addScores(
  { posting, weight }: { posting: Posting; weight: number },
  segment: Segment,
  corpus: Corpus,
  scores: Float64Array,
): void {
  const { offsets, values } = posting;
  const { lengths } = segment.columns;
  // Both sides of the fraction are multiplied by the mean activation, which saves a division for each posting.
  const base = bm25.k1 * (1 - bm25.b) * corpus.meanActivation;
  const slope = (bm25.k1 * bm25.b * corpus.meanActivation) / corpus.meanLength;
  for (let k = 0; k < offsets.length; k++) {
    const offset = offsets[k]!;
    const length = lengths[offset]!;
    if (length === 0) continue;
    const activation = values[k]!;
    scores[offset]! += (weight * activation) / (activation + base + slope * length);
  }
}

function best(segments: readonly Segment[], scores: Float64Array, limit: number): Scored[] {
  const top = new Top(limit);
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at]!;
    if (score > 0 && score > top.threshold) top.offer(score, at);
  }
  const threshold = top.threshold;
  const kept = top.sorted().filter(({ key }) => key > threshold);
  const places = kept.map(({ item }) => item);
  if (threshold > 0) for (let at = 0; at < scores.length; at++) if (scores[at] === threshold) places.push(at);
  return places.map((at) => ({
    sequence: sequenceAt(segments[Math.floor(at / segmentSize)]!.number, at % segmentSize),
    score: scores[at]!,
  }));
}
