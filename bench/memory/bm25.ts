import MiniSearch from 'minisearch';
import type { TermCounts } from './tf-idf.js';

const separator = '\n';

/** BM25+ as the library minisearch computes it with its defaults, over terms as they are. */
export class Bm25 {
  readonly #index: MiniSearch<{ id: number; text: string }>;

  constructor(documents: readonly TermCounts[]) {
    this.#index = new MiniSearch({
      fields: ['text'],
      tokenize: (text) => text.split(separator),
      processTerm: (term) => term,
    });
    this.#index.addAll(documents.map((terms, id) => ({ id, text: textOf(terms) })));
  }

  /** Indices of the `limit` best documents, best first. */
  rank(terms: Iterable<string>, limit: number): number[] {
    const found = this.#index.search([...terms].join(separator));
    return found.slice(0, limit).map(({ id }) => id as number);
  }
}

function textOf(terms: TermCounts): string {
  return [...terms].flatMap(([term, count]) => Array<string>(count).fill(term)).join(separator);
}
