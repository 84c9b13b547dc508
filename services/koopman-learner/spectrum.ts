import { deserialize, serialize } from 'node:v8';
import type { Mode } from './domain/modes.js';

/** The result of a fit, as it is stored and served. */
export interface Spectrum {
  /** Width of a bin in milliseconds. */
  readonly widthMs: number;
  /** Bin of the newest snapshot. */
  readonly newestBin: number;
  readonly snapshots: number;
  /** Concepts that the entries of the modes' vectors belong to. */
  readonly concepts: Uint32Array;
  /** Strongest first. */
  readonly modes: readonly Mode[];
  readonly couplings: readonly ModeCoupling[];
  readonly orderParameter: number;
  /** Rank and sparsity that were asked for. */
  readonly rank: number;
  readonly sparsity: number;
  readonly effectiveRank: number;
  readonly recommendedRank: number;
  readonly spectralRadius: number;
  /** Against the window before; absent until two windows of one width have a mode in common. */
  readonly psiDriftRad?: number | undefined;
  readonly fittedUnixMs: number;
  /** First mode id that was never given. */
  readonly nextModeId: number;
  /** The tenant's change count that the fit saw. */
  readonly changes: number;
}

/** K between two modes. */
export interface ModeCoupling {
  readonly to: number;
  readonly from: number;
  /** Radians per second. */
  readonly strength: number;
}

/** What is kept in memory of a spectrum: everything small. */
export type SpectrumSummary = Pick<
  Spectrum,
  | 'widthMs'
  | 'newestBin'
  | 'snapshots'
  | 'effectiveRank'
  | 'recommendedRank'
  | 'spectralRadius'
  | 'psiDriftRad'
  | 'fittedUnixMs'
  | 'changes'
> & { readonly modeCount: number; readonly conceptCount: number };

export function summarise(spectrum: Spectrum): SpectrumSummary {
  return {
    widthMs: spectrum.widthMs,
    newestBin: spectrum.newestBin,
    snapshots: spectrum.snapshots,
    effectiveRank: spectrum.effectiveRank,
    recommendedRank: spectrum.recommendedRank,
    spectralRadius: spectrum.spectralRadius,
    psiDriftRad: spectrum.psiDriftRad,
    fittedUnixMs: spectrum.fittedUnixMs,
    changes: spectrum.changes,
    modeCount: spectrum.modes.length,
    conceptCount: spectrum.concepts.length,
  };
}

/** Bytes of a spectrum, by V8's structured clone format, which later versions of Node read. */
export function encodeSpectrum(spectrum: Spectrum): Buffer {
  return serialize(spectrum);
}

export function decodeSpectrum(bytes: Buffer): Spectrum {
  return deserialize(bytes) as Spectrum;
}
