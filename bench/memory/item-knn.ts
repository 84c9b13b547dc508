import type { Incidence, Scorer } from './incidence.js';

/**
 * Item-based nearest neighbours on plain co-occurrence (Sarwar et al. 2001): an item's score is the sum of its cosine
 * similarities G_ij / √(G_ii G_jj), G = XᵀX, to the cue's items, each of which votes for its k most similar items.
 * @param neighbours k; Infinity lets every item that occurs together with the cue's item vote
 * @returns the scorer and how many directed edges it uses
 */
export function itemKnn(
  data: Incidence,
  neighbours: number,
): { readonly score: Scorer; readonly edges: number } {
  const items = data.columns.length;
  const similarities = data.columns.map((_, item) => nearest(similarityRow(data, item), neighbours));
  const score = (cue: Uint32Array) => {
    const scores = new Float64Array(items);
    for (const item of cue) {
      const { ids, values } = similarities[item]!;
      for (let k = 0; k < ids.length; k++) scores[ids[k]!]! += values[k]!;
    }
    return scores;
  };
  return { score, edges: similarities.reduce((sum, { ids }) => sum + ids.length, 0) };
}

/** Cosine similarities of one item to all; 0 to itself. */
function similarityRow({ rows, columns }: Incidence, item: number): Float64Array {
  const similarity = new Float64Array(columns.length);
  for (const row of columns[item]!) for (const other of rows[row]!) similarity[other]!++;
  const count = columns[item]!.length;
  for (let other = 0; other < similarity.length; other++) {
    if (similarity[other]! > 0) similarity[other]! /= Math.sqrt(count * columns[other]!.length);
  }
  similarity[item] = 0;
  return similarity;
}

function nearest(similarity: Float64Array, count: number): { ids: Uint32Array; values: Float32Array } {
  let ids = Uint32Array.from(similarity.keys()).filter((id) => similarity[id]! > 0);
  if (ids.length > count) ids = ids.sort((a, b) => similarity[b]! - similarity[a]! || a - b).slice(0, count);
  return { ids, values: Float32Array.from(ids, (id) => similarity[id]!) };
}
