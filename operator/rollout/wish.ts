import type { MemoryClusterSpec } from '../api/memory-cluster.js';

/** A change of tuned parameters that is to be tried on a canary first. */
export interface TuningChange {
  /** Grows with every change that the tuner asks for. */
  readonly generation: number;
  /** The tuned values of the canary. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** What is wanted: the spec, and what the tuner would like to try. */
export interface Wish {
  readonly spec: MemoryClusterSpec;
  readonly tuning?: TuningChange;
}
