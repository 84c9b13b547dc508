import type { WindowFit } from './domain/fit.js';
import { matchModes, psiDrift, type MatchedModes } from './domain/matching.js';
import type { Series } from './domain/series.js';
import type { Spectrum } from './spectrum.js';

/** What a fit was made from. */
export interface FitContext {
  readonly series: Series;
  readonly rank: number;
  readonly sparsity: number;
  readonly now: number;
  /** The tenant's change count when its bins were read. */
  readonly changes: number;
}

/** Names the modes of a fit after those of the spectrum before and measures how far their phases drifted. */
export function assembleSpectrum(
  fit: WindowFit,
  former: Spectrum | undefined,
  context: FitContext,
): Spectrum {
  const { series, rank, sparsity, now, changes } = context;
  const newestBin = series.bins.at(-1)!;
  // Eigenvalues per step of another width are other numbers: nothing to compare.
  const comparable = former?.widthMs === series.widthMs ? former : undefined;
  const nextId = former?.nextModeId ?? 1;
  const matched = matchModes({ modes: fit.modes, concepts: series.concepts }, comparable, nextId);
  return {
    widthMs: series.widthMs,
    newestBin,
    snapshots: series.bins.length,
    concepts: series.concepts,
    modes: matched.modes,
    couplings: fit.couplings.map(({ to, from, strength }) => ({
      to: matched.modes[to]!.id,
      from: matched.modes[from]!.id,
      strength: (strength * 1000) / series.widthMs,
    })),
    orderParameter: fit.orderParameter,
    rank,
    sparsity,
    effectiveRank: fit.effectiveRank,
    recommendedRank: fit.recommendedRank,
    spectralRadius: fit.spectralRadius,
    psiDriftRad: comparable === undefined ? undefined : driftSince(comparable, matched, newestBin),
    fittedUnixMs: now,
    nextModeId: nextId + matched.earlier.filter((mode) => mode === undefined).length,
    changes,
  };
}

/** A fit of the same window again measures no drift: the former value stands. */
function driftSince(former: Spectrum, matched: MatchedModes, newestBin: number): number | undefined {
  const shift = newestBin - former.newestBin;
  return shift === 0 ? former.psiDriftRad : psiDrift(matched, shift);
}
