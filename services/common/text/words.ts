const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** Addresses, and runs that long are encoded data or paths. Quantifiers are bounded, so that matching stays linear. */
const noise =
  /(?:[a-z][a-z0-9+.-]{1,15}:\/\/|www\.|mailto:)[!-~]+|[\w.+-]{1,64}@[\w.-]{1,255}|[a-z0-9+/=_-]{48,}/gi;

const wordRun = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:'[\p{L}\p{M}\p{N}]+)*/gu;

/** Scripts written without spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * The words of a text in order, in lower case and NFKC form, without URLs, mail addresses, encoded data and numbers.
 * Scripts without spaces are cut by the Unicode segmentation of the ICU library in Node (UAX #29 with dictionaries).
 * An apostrophe stays inside a word (`don't`), written `'`.
 */
export function* wordsOf(text: string): Generator<string> {
  const plain = text.normalize('NFKC').replace(noise, ' ').toLowerCase().replaceAll('’', "'");
  for (const [run] of plain.matchAll(wordRun)) {
    if (unspaced.test(run)) yield* segmentsOf(run);
    else yield run;
  }
}

/** True for a word that can name something: 2 to 40 characters, letters, and digits only as in `mp3` or `3com`. */
export function isNameLike(word: string): boolean {
  if (word.length < 2 || word.length > 40) return false;
  const pieces = word.match(/\p{N}+|\P{N}+/gu) ?? [];
  const digits = pieces.filter((piece) => /\p{N}/u.test(piece)).join('').length;
  return digits === 0 || (pieces.length <= 2 && digits < word.length && word.length <= 12);
}

/** Cut in pieces first: the dictionary search of ICU takes quadratic time in the length of a run. */
function* segmentsOf(run: string): Generator<string> {
  for (const [piece] of run.matchAll(/.{1,128}/gu)) {
    for (const { segment, isWordLike } of segmenter.segment(piece)) if (isWordLike === true) yield segment;
  }
}
