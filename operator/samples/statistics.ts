/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Sample standard deviation (n − 1); 0 with fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Probability that a standard normal variable is below z (Abramowitz & Stegun 7.1.26; error under 1.5e-7). */
export function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - polynomial * Math.exp(-x * x);
  return z >= 0 ? (1 + erf) / 2 : (1 - erf) / 2;
}

/** A point of a scatter plot. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Points above this number are thinned evenly: the estimator looks at every pair. */
const mostPoints = 300;

/**
 * Robust slope: the median of the slopes of all pairs (Theil 1950, Sen 1968). A few wild points, such as a restart or
 * one mass deletion, do not move it.
 * @returns slope in y per x, and its standard error: half the one-sigma interval of Sen's ranks (Gilbert 1987,
 * eq. 16.4); undefined with fewer than two distinct x
 */
export function theilSen(points: readonly Point[]): { slope: number; standardError: number } | undefined {
  const kept = thin(points);
  const n = kept.length;
  const slopes = pairSlopes(kept);
  if (slopes.length === 0) return undefined;
  const spread = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number) => slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(rank)))]!;
  const [low, high] = [at((slopes.length - spread) / 2), at((slopes.length + spread) / 2)];
  const middle = slopes.length >> 1;
  const slope = slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
  return { slope, standardError: (high - low) / 2 };
}

/** Slopes of all pairs with distinct x, ascending. */
function pairSlopes(points: readonly Point[]): Float64Array {
  const n = points.length;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const a = points[i]!;
    for (let j = i + 1; j < n; j++) {
      const b = points[j]!;
      if (b.x !== a.x) slopes[count++] = (b.y - a.y) / (b.x - a.x);
    }
  }
  return slopes.subarray(0, count).sort();
}

function thin(points: readonly Point[]): readonly Point[] {
  if (points.length <= mostPoints) return points;
  const stride = (points.length - 1) / (mostPoints - 1);
  return Array.from({ length: mostPoints }, (_, index) => points[Math.round(index * stride)]!);
}
