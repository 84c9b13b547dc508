/**
 * What the platform has to bring about. Intents are levels, not edges: they are derived anew from the stored
 * status on every decision, and carrying one out twice changes nothing.
 */
export type Intent =
  /** Run the workloads of a track at a revision; with tuned values on top for a tuning canary. */
  | {
      readonly type: 'runTrack';
      readonly track: 'stable' | 'canary';
      readonly revision: string;
      /** Hash of the template to start, a key of `status.revisions`. */
      readonly template: string;
      readonly parameters?: Readonly<Record<string, number>>;
    }
  /** Import a snapshot of the stable graph into the canary. */
  | { readonly type: 'seedCanary'; readonly revision: string }
  /** Write the shard table with exactly this epoch and content. */
  | {
      readonly type: 'publishTable';
      readonly epoch: number;
      readonly basisPoints: number;
      readonly canary: boolean;
    }
  /** Run consolidation cycles on the canary until this many were done in the step. */
  | { readonly type: 'forceSleep'; readonly atLeast: number }
  /** Make stable use these values by UpdateParameters, and report the generation. */
  | {
      readonly type: 'adoptTuning';
      readonly generation: number;
      readonly parameters: Readonly<Record<string, number>>;
    }
  /** Fence the canary's vault at the epoch and copy it to stable until both agree. */
  | { readonly type: 'drain'; readonly epoch: number }
  /** Stop the canary's workloads and delete its data. */
  | { readonly type: 'removeCanary' };
