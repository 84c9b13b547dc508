/**
 * The gateway's tools as types: what each takes and returns. The gateway's schemas are checked against these, so client
 * and server cannot drift apart.
 */

/** Activations of concepts by name; each finite and above 0. */
export type Concepts = Readonly<Record<string, number>>;

/** The track that served a request. */
export type ServingTrack = 'stable' | 'canary';

/** What can be stored: text, activations by name, or base64 of an Episode message with ids of the stable vault. */
export type EpisodeBlob = string | { readonly concepts: Concepts };

/** Part of a request that may be left out. */
interface Scoped {
  /** Tenant; `default` when absent. */
  readonly tenant?: string | undefined;
}

/** Arguments of `memory.put`. */
export interface PutArguments extends Scoped {
  readonly episodeBlob: EpisodeBlob;
  /** Free-form labels, at most 64 entries and 16 KiB together. */
  readonly meta?: Readonly<Record<string, string>> | undefined;
  /** Chosen by the caller; absent means a hash of the content, so that the same content is stored once. */
  readonly id?: string | undefined;
  /** When it happened: milliseconds since the Unix epoch, or an ISO 8601 date; absent means now. */
  readonly time?: number | string | undefined;
  /** Where it came from. */
  readonly source?: string | undefined;
  /** Decides the track where `routing.key` is `shardKey`. */
  readonly shardKey?: string | undefined;
}

/** Result of `memory.put`: the episode is on disk. */
export interface PutResult {
  readonly episodeId: string;
  /** 0 to 9999. */
  readonly shard: number;
  readonly track: ServingTrack;
  /** True when the same content was already there. */
  readonly duplicate: boolean;
  /** Place in the outbox of the track's vault. */
  readonly sequence: number;
}

/** Arguments of `memory.get`. */
export interface GetArguments extends Scoped {
  readonly id: string;
}

/** Result of `memory.get`. */
export interface GetResult {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly concepts: Concepts;
  readonly sequence: number;
  readonly track: ServingTrack;
}

/** A partial memory to complete; exactly one of the two. */
export interface Cue {
  readonly concepts?: Concepts | readonly string[] | undefined;
  readonly text?: string | undefined;
}

/** A cue of a batch. */
export interface BatchCue extends Cue {
  readonly id: string;
}

/** Arguments of `memory.recall`: one cue, or `cues`. */
export interface RecallArguments extends Cue, Scoped {
  /** At most 1000 cues, answered in their order. */
  readonly cues?: readonly BatchCue[] | undefined;
  /** How many episodes and concepts, 1 to 1000; 10 when absent. */
  readonly k?: number | undefined;
}

/** A concept that the network filled in. */
export interface CompletedConcept {
  readonly concept: string;
  /** Higher is stronger; comparable within one answer only. */
  readonly score: number;
}

/** An episode that matches the cue and its completion. */
export interface RecalledEpisode {
  readonly id: string;
  /** Higher is better; comparable within one track of one answer only. The list is in order of rank. */
  readonly score: number;
  readonly time: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly track: ServingTrack;
}

/** Answer to one cue of a batch. */
export interface BatchAnswer {
  readonly id: string;
  readonly results: readonly { readonly id: string; readonly score: number }[];
  readonly completed: readonly CompletedConcept[];
}

/** A track that could not take part in the answer. */
export interface TrackFailure {
  readonly track: ServingTrack;
  readonly code: string;
  readonly message: string;
}

/** Result of `memory.recall`. */
export interface RecallResult {
  readonly completed: readonly CompletedConcept[];
  readonly episodes: readonly RecalledEpisode[];
  /** One for each of `cues`; absent when there were none. */
  readonly answers?: readonly BatchAnswer[] | undefined;
  readonly failures: readonly TrackFailure[];
}

/** Arguments of `memory.sleep`. */
export interface SleepArguments extends Scoped {
  /** True (the default): one cycle. False: cycles until no new episode is left. */
  readonly once?: boolean | undefined;
}

/** One cycle of consolidation. */
export interface SleepCycle {
  readonly cycle: number;
  readonly episodes: number;
  /** Energy of held-out episodes, in units of the rms local field. */
  readonly energyBefore: number;
  readonly energyAfter: number;
  readonly energyDropRatio: number;
  readonly settleLoops: number;
  /** NDCG@20 of completing held-out episodes. */
  readonly completionBefore: number;
  readonly completionAfter: number;
  readonly accepted: boolean;
  readonly reason: string;
}

/** How a long-running job ended. */
export type JobOutcome = 'succeeded' | 'cancelled' | 'failed';

/** A run of consolidation on one track. */
export interface SleepRun {
  readonly track: ServingTrack;
  readonly runId: string;
  readonly state: JobOutcome;
  readonly error: string;
  readonly cycles: readonly SleepCycle[];
}

/** Result of `memory.sleep`. */
export interface SleepResult {
  readonly runs: readonly SleepRun[];
  readonly failures: readonly TrackFailure[];
}

/** Arguments of `memory.prune`. */
export interface PruneArguments extends Scoped {
  /** True (the default): only tell what would be removed. */
  readonly dryRun?: boolean | undefined;
  /** L1 threshold; absent means the parameter in force. */
  readonly threshold?: number | undefined;
}

/** Pruning, or its dry run, on one track. */
export interface PruneRun {
  readonly track: ServingTrack;
  /** Absent for a dry run. */
  readonly jobId?: string | undefined;
  readonly state: JobOutcome;
  readonly error: string;
  readonly threshold: number;
  readonly edgesBefore: number;
  readonly edgesAfter: number;
  /** Version of the graph: the one looked at, or the one committed. */
  readonly version: number;
  /** Heaviest edges that would go (dry run only). */
  readonly examples: readonly { readonly a: string; readonly b: string; readonly weight: number }[];
}

/** Result of `memory.prune`. */
export interface PruneResult {
  readonly dryRun: boolean;
  readonly runs: readonly PruneRun[];
  readonly failures: readonly TrackFailure[];
}

/** Arguments of `memory.kcl_status`. */
export type KclStatusArguments = Scoped;

/** One spectral mode. */
export interface Mode {
  readonly modeId: number;
  readonly frequencyHz: number;
  readonly growthRate: number;
  /** Absent unless the mode decays. */
  readonly halfLifeSeconds?: number | undefined;
  readonly amplitude: number;
  readonly psiRad: number;
  readonly residual: number;
  readonly concepts: readonly { readonly concept: string; readonly weight: number }[];
}

/** The learner of one track. */
export interface KclStatus {
  readonly track: ServingTrack;
  /** False until there are enough snapshots for a fit; `reason` says what is missing. */
  readonly fitted: boolean;
  readonly reason: string;
  readonly snapshots: number;
  readonly rank: number;
  readonly effectiveRank: number;
  readonly spectralRadius: number;
  readonly psiDriftRad: number;
  readonly modes: readonly Mode[];
  readonly couplings: readonly { readonly to: number; readonly from: number; readonly strength: number }[];
  /** Kuramoto order parameter, 0 to 1. */
  readonly orderParameter: number;
}

/** Result of `memory.kcl_status`. */
export interface KclStatusResult {
  readonly tracks: readonly KclStatus[];
  readonly failures: readonly TrackFailure[];
}

/** Arguments of `memory.forget`. */
export interface ForgetArguments extends Scoped {
  readonly id: string;
}

/** Result of `memory.forget`. */
export interface ForgetResult {
  readonly id: string;
  /** False when it had been forgotten before. */
  readonly deleted: boolean;
}

/** Arguments and result of every tool, by its name. */
export interface Tools {
  'memory.put': { readonly arguments: PutArguments; readonly result: PutResult };
  'memory.get': { readonly arguments: GetArguments; readonly result: GetResult };
  'memory.recall': { readonly arguments: RecallArguments; readonly result: RecallResult };
  'memory.sleep': { readonly arguments: SleepArguments; readonly result: SleepResult };
  'memory.prune': { readonly arguments: PruneArguments; readonly result: PruneResult };
  'memory.kcl_status': { readonly arguments: KclStatusArguments; readonly result: KclStatusResult };
  'memory.forget': { readonly arguments: ForgetArguments; readonly result: ForgetResult };
}

/** Name of a tool. */
export type ToolName = keyof Tools;
