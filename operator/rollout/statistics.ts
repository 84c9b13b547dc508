/** A value with the one-sided bounds at some confidence on either side of it. */
export interface Interval {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
}

/** `successes` of `total` trials; total > 0. */
export interface Count {
  readonly successes: number;
  readonly total: number;
}

/** Moments of a sample of single measurements. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Unbiased variance; count > 1. */
  readonly variance: number;
}

/**
 * Score interval of a proportion; unlike the textbook interval it is sound for few trials and for ratios near 0.
 * Source: E. B. Wilson, JASA 22 (1927), 209–212.
 * @param z quantile of the standard normal distribution at the one-sided confidence
 */
export function wilson({ successes, total }: Count, z: number): Interval {
  const p = successes / total;
  const centre = (p + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  // At 0 and at `total` successes one end is exact; rounding must not move it.
  return {
    estimate: p,
    lower: successes === 0 ? 0 : Math.max(0, centre - half),
    upper: successes === total ? 1 : Math.min(1, centre + half),
  };
}

/**
 * Interval of the difference a − b of two independent proportions from their score intervals.
 * Source: R. G. Newcombe, Statistics in Medicine 17 (1998), 873–890, method 10.
 */
export function newcombe(a: Count, b: Count, z: number): Interval {
  const [ia, ib] = [wilson(a, z), wilson(b, z)];
  const difference = ia.estimate - ib.estimate;
  return {
    estimate: difference,
    lower: difference - Math.hypot(ia.estimate - ia.lower, ib.upper - ib.estimate),
    upper: difference + Math.hypot(ia.upper - ia.estimate, ib.estimate - ib.lower),
  };
}

/**
 * Interval of the difference a − b of two means with unequal variances.
 * Source: B. L. Welch, Biometrika 34 (1947), 28–35; degrees of freedom by Satterthwaite, rounded down.
 */
export function welch(a: Moments, b: Moments, confidence: number): Interval {
  const [va, vb] = [a.variance / a.count, b.variance / b.count];
  const difference = a.mean - b.mean;
  const spread = va + vb;
  if (spread === 0) return { estimate: difference, lower: difference, upper: difference };
  const freedom = spread ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
  const half = studentQuantile(confidence, Math.max(1, Math.floor(freedom))) * Math.sqrt(spread);
  return { estimate: difference, lower: difference - half, upper: difference + half };
}

/** Interval of one mean (Student). */
export function meanInterval({ count, mean, variance }: Moments, confidence: number): Interval {
  const half = studentQuantile(confidence, count - 1) * Math.sqrt(variance / count);
  return { estimate: mean, lower: mean - half, upper: mean + half };
}

/**
 * Quantile of the standard normal distribution for p from 0.5 to 1, error below 4.5e-4.
 * Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.23.
 */
export function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - p));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return t - numerator / denominator;
}

/**
 * Quantile of Student's t for p from 0.5 to 1. Exact for 1 and 2 degrees of freedom, else the expansion of
 * Abramowitz & Stegun 26.7.5, within 3 % for p up to 0.99.
 */
export function studentQuantile(p: number, freedom: number): number {
  if (freedom === 1) return Math.tan(Math.PI * (p - 0.5));
  if (freedom === 2) return ((2 * p - 1) * Math.SQRT2) / Math.sqrt(4 * p * (1 - p));
  const z = normalQuantile(p);
  const z2 = z * z;
  const terms = [
    (z2 + 1) / 4,
    ((5 * z2 + 16) * z2 + 3) / 96,
    (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
    ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92_160,
  ];
  return terms.reduce((sum, term, index) => sum + (z * term) / freedom ** (index + 1), z);
}
