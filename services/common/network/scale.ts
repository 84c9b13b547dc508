/**
 * How much a concept's own frequency scales its share of an edge.
 *
 * The graph stores wᵢⱼ = 0.1 ρᵢⱼ (uᵢuⱼ)^¾. ρ is the ridge-shrunk partial correlation of two concepts given all others, which does
 * not change when the memory grows; u is the scale of a concept, the square root of its residual variance in units of that
 * of a concept never seen. The exponent makes |w| the measure of what an edge is worth for completion, so that the pruner's
 * threshold removes the least useful edges first: on mail ¾ kept more completion at 1 % of the edges than 0 (partial
 * correlations) and 1 (partial covariances).
 */
const weightExponent = 0.75;

/** Count at which the variance of a concept is twice that of a concept never seen. */
const scaleCount = 11;

/** Scale u = (1 + count / 11)^½ of a concept that so many episodes hold. */
export function scaleOf(count: number): number {
  return Math.sqrt(1 + Math.max(count, 0) / scaleCount);
}

/**
 * Unit of stored weights. It decides nothing but what the L1 strength τ means, whose bounds are fixed: with it a graph of mail
 * loses nothing at the lower bound 1e-5 and about three quarters of its edges at the upper bound 1e-2, in one prune.
 */
const weightUnit = 0.1;

/** Stored weight over partial correlation: 0.1 (uₐ u_b)^¾. */
export function weightScale(scaleA: number, scaleB: number): number {
  return weightUnit * (scaleA * scaleB) ** weightExponent;
}
