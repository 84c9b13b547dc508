import { createHash } from 'node:crypto';
import type { KubeObject, ManagedFields, ObjectMeta } from '../../runtime/index.js';
import { epochAnnotation, fieldManager, labelPrefix } from './field-manager.js';
import { appliedAnnotation } from './render/names.js';

/** A child as it is kept: who it belongs to, what it was made from, and who else has touched it. */
export interface Child extends KubeObject {
  readonly held: Held;
}

/** Digests of the fields that are held of an object, its status aside. */
export interface Held {
  /** By us; empty when the object does not know that we applied it. It shrinks when somebody takes a field over. */
  readonly ours: string;
  /** By others; empty when that is nothing. */
  readonly foreign: string;
}

/** A StatefulSet or Deployment as it is kept. */
export interface Workload extends Child {
  readonly spec?: {
    readonly replicas?: number;
    readonly volumeClaimTemplates?: readonly {
      readonly spec?: { readonly resources?: { readonly requests?: { readonly storage?: string } } };
    }[];
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string; readonly exitCode?: number };
}

/** A pod as it is kept: where it is, and what keeps it from being ready. */
export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready?: boolean;
      readonly restartCount?: number;
      readonly state?: ContainerState;
      readonly lastState?: ContainerState;
    }[];
  };
}

/** Metadata alone, as much of it as anybody reads. */
export function trimChild<T extends KubeObject>(object: T): T & Child {
  return { metadata: trimMetadata(object.metadata), held: heldFields(object.metadata) } as T & Child;
}

export function trimWorkload({ metadata, spec, status = {} }: Workload): Workload {
  const { observedGeneration, replicas, readyReplicas, updatedReplicas, currentRevision, updateRevision } =
    status;
  return {
    ...trimChild({ metadata }),
    ...(spec === undefined ? {} : { spec: trimSpec(spec) }),
    status: withoutUndefined({
      observedGeneration,
      replicas,
      readyReplicas,
      updatedReplicas,
      currentRevision,
      updateRevision,
    }),
  };
}

/** Of a StatefulSet the sizes of its claims as well: Kubernetes does not let them change. */
function trimSpec({ replicas, volumeClaimTemplates }: NonNullable<Workload['spec']>) {
  return withoutUndefined({
    replicas,
    volumeClaimTemplates: volumeClaimTemplates?.map(({ spec }) => {
      const storage = spec?.resources?.requests?.storage;
      return storage === undefined ? {} : { spec: { resources: { requests: { storage } } } };
    }),
  });
}

const keptConditions = ['PodScheduled', 'Ready'];

export function trimPod({ metadata, status = {} }: Pod): Pod {
  const { phase, podIP, conditions, containerStatuses } = status;
  return {
    metadata: trimMetadata(metadata),
    status: withoutUndefined({
      phase,
      podIP,
      conditions: conditions
        ?.filter(({ type }) => keptConditions.includes(type))
        .map(({ type, status: holds, reason, message }) =>
          withoutUndefined({ type, status: holds, reason, message }),
        ),
      containerStatuses: containerStatuses?.map(({ name, ready, restartCount, state, lastState }) =>
        withoutUndefined({
          name,
          ready,
          restartCount,
          state: trimState(state),
          lastState: trimState(lastState),
        }),
      ),
    }),
  };
}

/** Managed fields are a third of every object, and nobody reads those of our own kinds. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const entries = Object.entries(object.metadata).filter(([field]) => field !== 'managedFields');
  return { ...object, metadata: Object.fromEntries(entries) as unknown as T['metadata'] };
}

/** How an owner reference is named among the fields, in JSON. */
const ownerField = /k:\{\\"uid\\":\\"[^"]*\\"\}/g;

/**
 * Who holds what of an object. Fields are named, not valued, in it, and owners are left out of the names: children of one
 * kind have the same in every cluster. Scaling, for one, takes `replicas` from us and leaves no other trace.
 */
export function heldFields({ managedFields = [] }: ObjectMeta): Held {
  const entries = managedFields.filter(({ subresource }) => subresource !== 'status');
  const ours = digest(entries.filter(({ manager }) => manager === fieldManager));
  const foreign = digest(entries.filter(({ manager }) => manager !== fieldManager));
  return shared(`${ours} ${foreign}`, () => ({ ours, foreign }));
}

const keptOnce = new Map<string, unknown>();
/** More values than thousands of clusters share; with as many, memory is no longer saved by keeping them. */
const mostKept = 20_000;

/** A value that many children have alike, kept once for all of them. */
function shared<T>(key: string, make: () => T): T {
  const kept = keptOnce.get(key);
  if (kept !== undefined) return kept as T;
  if (keptOnce.size >= mostKept) keptOnce.clear();
  const made = make();
  keptOnce.set(key, made);
  return made;
}

function digest(entries: readonly ManagedFields[]): string {
  if (entries.length === 0) return '';
  const text = JSON.stringify(
    entries.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1]),
  ).replaceAll(ownerField, 'owner');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function trimMetadata(metadata: ObjectMeta): ObjectMeta {
  const { ownerReferences } = metadata;
  const owners = ownerReferences && shared(JSON.stringify(ownerReferences), () => ownerReferences);
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } =
    metadata;
  return withoutUndefined({
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    labels: picked(metadata.labels, (key) => key.startsWith(labelPrefix)),
    annotations: picked(metadata.annotations, (key) => key === appliedAnnotation || key === epochAnnotation),
    ownerReferences: owners,
  });
}

function trimState(state: ContainerState | undefined): ContainerState | undefined {
  if (state?.waiting !== undefined) {
    const { reason, message } = state.waiting;
    return { waiting: withoutUndefined({ reason, message }) };
  }
  if (state?.terminated === undefined) return undefined;
  const { reason, message, exitCode } = state.terminated;
  return { terminated: withoutUndefined({ reason, message, exitCode }) };
}

function picked(
  map: Readonly<Record<string, string>> | undefined,
  wanted: (key: string) => boolean,
): Record<string, string> | undefined {
  const entries = Object.entries(map ?? {}).filter(([key]) => wanted(key));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

type Defined<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out what is undefined, which also keeps objects small. */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>;
}
