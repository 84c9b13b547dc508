import type { MemoryAction, MemoryActionSpec } from '../../operator/api/memory-action.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';

/** The kinds by name. */
interface Kinds {
  readonly MemoryCluster: MemoryCluster;
  readonly TuningProfile: TuningProfile;
  readonly MemoryAction: MemoryAction;
}
export type Kind = keyof Kinds;

/** A resource as it is stored, with what the API server or the local platform knows of it. */
export type Stored<K extends Kind> = Kinds[K] & {
  readonly metadata: Kinds[K]['metadata'] & {
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
  };
};

/** An action that is to be made; who asks for it comes from {@link ResourceAccess.whoAmI}. */
export interface NewAction {
  readonly name: string;
  readonly spec: MemoryActionSpec;
}

/** A JSON merge patch (RFC 7386) of a spec: null removes a field. */
export type SpecPatch = Readonly<Record<string, unknown>>;

/**
 * The resources that commands read and write, wherever they are kept: in files of this machine, or on a Kubernetes API server.
 * Failures are CliErrors with the exit code of the command and a line for the person.
 */
export interface ResourceAccess {
  /** What a person has to look at when the operator does not answer. */
  readonly operatorHint: string;
  /** @returns undefined when there is none of that name */
  get<K extends Kind>(kind: K, name: string): Promise<Stored<K> | undefined>;
  /** All of a kind: of the namespace, or of every namespace where that was asked for. */
  list<K extends Kind>(kind: K): Promise<readonly Stored<K>[]>;
  /** The resource now and after each change, undefined while there is none, until the signal aborts. */
  watch<K extends Kind>(kind: K, name: string, signal: AbortSignal): AsyncIterable<Stored<K> | undefined>;
  /** The user that the record of an action will name. */
  whoAmI(): Promise<string>;
  /** Makes an action, unless there is one of that name already: then that one, with `created` false. */
  createAction(
    action: NewAction,
  ): Promise<{ readonly action: Stored<'MemoryAction'>; readonly created: boolean }>;
  /** Changes a spec as a person does; the result has passed validation. */
  patchSpec(kind: Kind, name: string, patch: SpecPatch): Promise<void>;
}
