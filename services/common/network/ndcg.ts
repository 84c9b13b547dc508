/**
 * Normalised discounted cumulative gain at k with binary relevance (Järvelin & Kekäläinen 2002): 1 when every relevant item
 * stands at the top, 0 when none is among the first k.
 * @param ranked items, best first
 * @param relevant what should be found; empty gives 0
 */
export function ndcgAt<T>(k: number, ranked: readonly T[], relevant: ReadonlySet<T>): number {
  let gain = 0;
  let ideal = 0;
  for (let rank = 0; rank < k; rank++) {
    const discount = 1 / Math.log2(rank + 2);
    if (rank < ranked.length && relevant.has(ranked[rank]!)) gain += discount;
    if (rank < relevant.size) ideal += discount;
  }
  return ideal === 0 ? 0 : gain / ideal;
}
