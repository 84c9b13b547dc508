import type { Quality } from './completion.js';
import type { RecallQuality } from './recall.js';

/** One method of completion. */
export interface CompletionRow extends Quality {
  readonly method: string;
  /** Weights that are not 0: directed for item-kNN and EASE, undirected for the memory. */
  readonly edges: number;
  /** Edges over the pairs of the vocabulary, directed or not as the edges are. */
  readonly edgeShare: number;
}

/** One method of recall. */
export interface RecallRow {
  readonly method: string;
  /** Cue: a random half of the message's concepts. */
  readonly half: RecallQuality;
  /** Cue: three random concepts of the message. */
  readonly three: RecallQuality;
}

/** Sizes of what was measured, in messages and concepts. */
export interface CorpusFigures {
  readonly messages: number;
  readonly concepts: number;
  readonly training: number;
  readonly validation: number;
  readonly test: number;
  /** Concepts that are candidates. */
  readonly vocabulary: number;
}

/** How the sleep went. */
export interface SleepFigures {
  readonly seconds: number;
  readonly cycles: number;
  readonly accepted: number;
  /** Threshold τ in force, of the first prune. */
  readonly pruneThreshold: number;
  /** Threshold of a second prune to `keptShare` of the possible edges; absent when there were no more after the first. */
  readonly keptThreshold?: number;
}

/** Choices that a repetition needs. */
export interface BenchParameters {
  readonly seed: number;
  /** Messages that recall looks for. */
  readonly recalled: number;
  /** Part of the possible edges that the strong pruning of EASE and of the memory keeps. */
  readonly keptShare: number;
  /** Neighbours of item-kNN, chosen on validation. */
  readonly neighbours: number | 'all';
  /** λ of EASE, chosen on validation. */
  readonly lambda: number;
  /** What the choice of λ was made from: NDCG@20 on validation. */
  readonly lambdaTrials: readonly Trial[];
}

/** A parameter and how well a method completes with it. */
export interface Trial {
  readonly parameter: number;
  readonly ndcg: number;
}

/** All figures of a run. */
export interface MemoryBenchResult {
  readonly mode: 'full' | 'quick';
  readonly corpus: CorpusFigures;
  readonly parameters: BenchParameters;
  readonly completion: readonly CompletionRow[];
  readonly recall: readonly RecallRow[];
  readonly sleep: SleepFigures;
  readonly wallSeconds: number;
}
