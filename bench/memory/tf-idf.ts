/** A document as its terms and how often each occurs. */
export type TermCounts = ReadonlyMap<string, number>;

/**
 * Ranks documents by the cosine of TF-IDF vectors: weight (1 + ln tf) · ln(N / df) (Manning, Raghavan & Schütze 2008,
 * section 6.4, `ltc`), over an inverted index.
 */
export class TfIdf {
  readonly #postings = new Map<string, { readonly documents: number[]; readonly weights: number[] }>();
  readonly #norms: Float64Array;

  constructor(documents: readonly TermCounts[]) {
    documents.forEach((terms, document) => {
      for (const [term, count] of terms) {
        let posting = this.#postings.get(term);
        if (posting === undefined) this.#postings.set(term, (posting = { documents: [], weights: [] }));
        posting.documents.push(document);
        posting.weights.push(1 + Math.log(count));
      }
    });
    this.#norms = new Float64Array(documents.length);
    for (const posting of this.#postings.values()) {
      const idf = Math.log(documents.length / posting.documents.length);
      posting.documents.forEach((document, k) => {
        posting.weights[k]! *= idf;
        this.#norms[document]! += posting.weights[k]! ** 2;
      });
    }
    this.#norms = this.#norms.map(Math.sqrt);
  }

  /** Indices of the `limit` best documents, best first; equal scores in order of index. */
  rank(terms: Iterable<string>, limit: number): number[] {
    const scores = new Float64Array(this.#norms.length);
    for (const term of terms) {
      const posting = this.#postings.get(term);
      if (posting === undefined) continue;
      const idf = Math.log(this.#norms.length / posting.documents.length);
      posting.documents.forEach((document, k) => (scores[document]! += idf * posting.weights[k]!));
    }
    const matches = [...scores.keys()].filter((document) => scores[document]! > 0);
    const cosine = (document: number) => scores[document]! / this.#norms[document]!;
    return matches.sort((a, b) => cosine(b) - cosine(a) || a - b).slice(0, limit);
  }
}
