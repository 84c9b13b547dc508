import { lemmaOf } from './lexicon.js';
import { isNameLike, wordsOf } from './words.js';

/** Characters of a text that are read; what a message is about stands early, and an attachment must cost no seconds. */
export const maxTextLength = 131_072;

/** Concepts kept of one text: the heaviest. */
export const maxConcepts = 512;

/** A first line longer than this is a paragraph, not a title. */
const maxTitleLength = 200;

/** How often a word of the title counts. */
const titleWeight = 2;

/** Term frequency at which the activation is one half; the usual k1 of BM25. */
const saturation = 1.2;

/**
 * The concepts of a text: lemmas of its content words, with how much each weighs in the text.
 *
 * The activation is BM25's saturated term frequency, f / (f + 1.2), in (0, 1) (Robertson & Zaragoza, "The Probabilistic
 * Relevance Framework", 2009, section 3.4.1): a first mention says most, repetition adds less and less. A word of the
 * title (a first line of at most 200 characters with text after it, such as a subject or a heading) counts twice in f,
 * as in BM25F's weighted fields (section 3.6). How rare a concept is says the memory itself, not the text.
 *
 * Deterministic for one Node version, and for words in scripts with spaces on every version.
 * @returns at most 512 concepts of 2 to 40 characters, heaviest first, equal weights in order of appearance; empty when
 *   the text says nothing
 */
export function conceptsOf(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  const { title, body } = split(text.slice(0, maxTextLength));
  count(title, titleWeight, counts);
  count(body, 1, counts);
  const ranked = [...counts].sort(([, a], [, b]) => b - a).slice(0, maxConcepts);
  return new Map(ranked.map(([concept, f]) => [concept, f / (f + saturation)]));
}

function split(text: string): { readonly title: string; readonly body: string } {
  const trimmed = text.trim();
  const end = trimmed.indexOf('\n');
  if (end < 0 || end > maxTitleLength) return { title: '', body: trimmed };
  return { title: trimmed.slice(0, end), body: trimmed.slice(end) };
}

function count(text: string, weight: number, counts: Map<string, number>): void {
  for (const word of wordsOf(text)) {
    for (const concept of conceptsOfWord(word)) counts.set(concept, (counts.get(concept) ?? 0) + weight);
  }
}

/** One lemma, none, or the parts of a word with an apostrophe that no contraction explains (`node's`, `l'homme`). */
function conceptsOfWord(word: string): string[] {
  const lemma = lemmaOf(word);
  if (lemma === undefined) return [];
  if (!lemma.includes("'")) return isNameLike(lemma) ? [lemma] : [];
  return word
    .split("'")
    .filter(isNameLike)
    .map(lemmaOf)
    .filter((part) => part !== undefined);
}
