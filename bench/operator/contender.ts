import type { ApiClient, KubeObject, ResourceType } from '../../operator/runtime/index.js';

/** What is common to all contenders of a run. */
export interface Arena {
  readonly client: ApiClient;
  /** Path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** Folder for files of contenders. */
  readonly folder: string;
  /** How many resources are applied. */
  readonly count: number;
  /** Applies manifests with kubectl. @throws Error with what kubectl said */
  apply(...args: readonly string[]): Promise<void>;
}

/** A program to start. */
export interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** An operator under test, with the resource that it is given many of. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Namespace of its resources and their children; made before `prepare`. */
  readonly namespace: string;
  /** Starts of the user agents of its requests. */
  readonly userAgents: readonly string[];
  readonly resource: ResourceType;
  /** Kinds of its children, all in its namespace; what `prepare` made there does not count. */
  readonly children: readonly ResourceType[];
  /** CRDs and whatever resources need to be there before. */
  prepare(arena: Arena): Promise<void>;
  program(arena: Arena): Promise<Program>;
  manifest(index: number): KubeObject;
  /** Whether a resource is at rest, as its status says. */
  settled(object: KubeObject): boolean;
}

/** `bench-0007` */
export function nameOf(index: number): string {
  return `bench-${String(index).padStart(4, '0')}`;
}
