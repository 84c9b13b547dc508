import type { MetricName } from '../api/rollout-spec.js';

/**
 * What the platform saw, filled before every decision. It holds facts, no judgement; times are instants of the
 * injected clock. Whatever cannot be seen is absent, and absence never counts as good news.
 */
export interface Observation {
  readonly stable: TrackObservation;
  /** Absent when no workload of the canary track exists. */
  readonly canary?: TrackObservation;
  /** Shard table epochs that the gateways report, one for each gateway that is ready. */
  readonly gatewayEpochs: readonly number[];
  /** Whether the canary's graph has been seeded from a snapshot of the stable graph. */
  readonly canarySeeded: boolean;
  /** The copy canary to stable, once it has begun. */
  readonly drain?: DrainProgress;
  /** Generation of the tuning change whose parameters stable runs with. */
  readonly adoptedTuningGeneration?: number;
  /** Counts since `run.stepStartedAt`, counter resets taken out. */
  readonly step: StepCounts;
  readonly metrics: Readonly<Partial<Record<MetricName, MetricObservation>>>;
}

export interface TrackObservation {
  /** Revision that every workload of the track runs; absent while they differ. */
  readonly revision?: string;
  /** Every workload runs and reports health. */
  readonly ready: boolean;
  /** What is not ready and why, for people. */
  readonly message?: string;
}

export interface DrainProgress {
  /** Epoch at which the canary's vault was fenced. */
  readonly epoch: number;
  /** Sequence up to which episodes and tombstones are copied, and the canary's last one. */
  readonly copiedThrough: number;
  readonly lastSequence: number;
  /** Ids and digests of both vaults agree. */
  readonly verified: boolean;
}

export interface StepCounts {
  readonly canaryRequests: number;
  readonly stableRequests: number;
  readonly canarySleeps: number;
  /** Why the source could not be read; the counts are then zero, and nothing follows from them. */
  readonly error?: string;
}

/**
 * One metric over the last `analysis.window` (completion: the last run of the held-out probe set).
 * `series` is how many series the source answered with for a track: more than one means that the query is
 * ambiguous, and it is treated like an error of the provider, never by taking one of them.
 */
export type MetricObservation = MetricSamples | ProviderError;

export interface MetricSamples {
  /** Time of the newest sample that went in. */
  readonly at: string;
  readonly series: number;
  readonly stable?: Sample;
  readonly canary?: Sample;
}

/** The source could not be read. */
export interface ProviderError {
  readonly error: string;
}

/** Evidence of one track; counts are increases over the window. */
export type Sample = Proportion | Histogram | Mean;

/** `failures` of `total` trials: error ratio, mismatch ratio. */
export interface Proportion {
  readonly kind: 'proportion';
  readonly failures: number;
  readonly total: number;
}

/** Latency in seconds: how many requests took at most `le`, cumulative, ascending, the last `le` Infinity. */
export interface Histogram {
  readonly kind: 'histogram';
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

/** Moments of single measurements: completion of each probe, energy drop of each sleep. */
export interface Mean {
  readonly kind: 'mean';
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}
