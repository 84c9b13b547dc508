import type { KubeObject, ObjectRef } from './objects.js';

/** A kind that the API server serves, and the type of its objects. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** As it stands in paths: `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Only metadata is asked for, see {@link metadataOf}. */
  readonly metadataOnly?: boolean;
  /** Never there; carries T. */
  readonly object?: T;
}

/** Describes a kind. T is taken on trust: the API server's schema is what holds it. */
export function resourceType<T extends KubeObject = KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster' = 'Namespaced',
): ResourceType<T> {
  return { apiVersion, kind, plural, namespaced: scope === 'Namespaced' };
}

/** The same kind, of which the API server sends metadata only: for caches of objects whose content nobody reads. */
export function metadataOf(type: ResourceType): ResourceType {
  return { ...type, metadataOnly: true };
}

/** The path of a collection, or of all namespaces' objects when a namespaced type is asked for without one. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  return type.namespaced && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`
    : `${root}/${type.plural}`;
}

/**
 * The path of one object, or of a subresource of it.
 * @throws Error when the namespace of a namespaced type is absent
 */
export function objectPath(type: ResourceType, ref: ObjectRef, subresource?: string): string {
  if (type.namespaced && ref.namespace === undefined) {
    throw new Error(`${type.kind} ${ref.name}: a namespace is needed`);
  }
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
