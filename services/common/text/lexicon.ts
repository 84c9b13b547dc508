import model from 'wink-eng-lite-web-model';
import winkNLP, { type TokenItsFunction } from 'wink-nlp';

/** The accessors used here, typed as wink-nlp calls them (its own types give another order of parameters). */
interface Accessors {
  readonly lemma: TokenItsFunction<string>;
  readonly pos: TokenItsFunction<string>;
  readonly stopWordFlag: TokenItsFunction<boolean>;
}

const nlp = winkNLP(model, ['pos']);
const its = nlp.its as unknown as Accessors;
const lexicon = nlp.readDoc('');
const known = new Map<string, string | undefined>();

/** Word classes that name things, qualities and actions; the others are glue. */
const contentClasses: ReadonlySet<unknown> = new Set(['NOUN', 'PROPN', 'ADJ', 'VERB', 'X']);

/**
 * The lemma of one lower-case word, or undefined for a word without content: stop words, contractions of them,
 * adverbs, numerals, interjections.
 *
 * English words are looked up in wink-nlp's lexicon, each by itself: the same word has the same lemma in a cue and in
 * an episode, whatever stands around it. A word that the lexicon does not have, and so any word of another language,
 * is its own lemma. Such words never enter wink's cache, which has no bound; what is remembered here is at most the
 * lexicon.
 */
export function lemmaOf(word: string): string | undefined {
  if (lexicon.isOOV(word)) return word;
  if (!known.has(word)) known.set(word, analyse(word));
  return known.get(word);
}

function analyse(word: string): string | undefined {
  const tokens = nlp.readDoc(word).tokens();
  if (tokens.length() !== 1 || isStopWord(word)) return undefined;
  const token = tokens.itemAt(0);
  if (!contentClasses.has(token.out(its.pos))) return undefined;
  const lemma = token.out(its.lemma).toLowerCase();
  return isStopWord(lemma) ? undefined : lemma;
}

function isStopWord(word: string): boolean {
  return nlp.readDoc(word).tokens().out(its.stopWordFlag).every(Boolean);
}
