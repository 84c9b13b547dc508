import type { SparseVector } from '../../common/activations/activations.js';

/** A concept graph as parallel arrays: nodes ascending by id, edges ascending by (a, b) with a < b. */
export interface ConceptGraph {
  /** Episodes that the counts stand for. */
  readonly episodes: number;
  readonly nodeIds: Uint32Array;
  /** Episodes that hold the node. */
  readonly nodeCounts: Float32Array;
  readonly edgeA: Uint32Array;
  readonly edgeB: Uint32Array;
  readonly edgeWeights: Float32Array;
  /** Episodes that hold both ends. */
  readonly edgeSupport: Float32Array;
}

/** What is added to a graph; same layout, values are differences. */
export type GraphDelta = ConceptGraph;

/** The parameters of a sleep. */
export interface LearnParameters {
  /** Initial anneal temperature T0, in units of the rms local field. */
  readonly annealT0: number;
  /** Learning rate η. */
  readonly learningRate: number;
  /** L1 strength τ. */
  readonly l1Strength: number;
}

/** A batch of episodes to learn from, on a copy of a graph. */
export interface LearnInput {
  readonly graph: ConceptGraph;
  /** Concept ids and activations of each episode. */
  readonly episodes: readonly SparseVector[];
  /** True when the graph counts these episodes already: only weights change then. */
  readonly rehearsal: boolean;
  readonly parameters: LearnParameters;
  readonly seed: number;
}

/** What one attempt at a batch has learned, measured on its held-out episodes. */
export interface LearnOutcome {
  /** Weights, counts and support of this batch. */
  readonly delta: GraphDelta;
  /** Energy of the held-out episodes under the old graph, in units of its rms local field. */
  readonly energyBefore: number;
  /** The same episodes under the new graph, in the same unit. */
  readonly energyAfter: number;
  /** (E_start − E_end) / max(|E_start|, |E_end|) of the settling runs, mean. */
  readonly energyDropRatio: number;
  /** Sweeps until no spin flips, mean over the settling runs. */
  readonly settleLoops: number;
  /** NDCG@20 of completing the held-out episodes under the old graph. */
  readonly completionBefore: number;
  /** The same under the new graph. */
  readonly completionAfter: number;
  /** Edges whose weight changed. */
  readonly edgesChanged: number;
}
