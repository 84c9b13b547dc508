import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../api/canonical-json.js';
import { apiVersion, type Metadata } from '../../../api/resource.js';
import { appliedAnnotation, labels, product } from './names.js';

/** An object as it is applied. */
export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly [field: string]: unknown;
}

/** What tells one child from another. */
export interface ChildHead {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The part of a cluster's metadata that its children carry. */
export interface Owner {
  readonly metadata: Metadata & { readonly uid: string };
}

/** A child of a cluster: our labels, its owner, and the hash of all that as annotation. */
export function child({ metadata }: Owner, head: ChildHead, body: object): RenderedObject {
  const object: RenderedObject = {
    apiVersion: head.apiVersion,
    kind: head.kind,
    metadata: {
      name: head.name,
      namespace: namespaceOf({ metadata }),
      labels: { ...head.labels, ...clusterLabels(metadata.name) },
      annotations: { ...head.annotations },
      ownerReferences: [
        {
          apiVersion,
          kind: 'MemoryCluster',
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    ...body,
  };
  const annotations = { ...object.metadata.annotations, [appliedAnnotation]: appliedHash(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The namespace of a cluster; only the local platform has clusters without one. */
export function namespaceOf({ metadata: { namespace = 'default' } }: Pick<Owner, 'metadata'>): string {
  return namespace;
}

/** Labels of everything that belongs to a cluster. */
export function clusterLabels(cluster: string): Readonly<Record<string, string>> {
  return { [labels.managedBy]: product, [labels.name]: product, [labels.cluster]: cluster };
}

/** The first 16 hex digits of the SHA-256 of the canonical JSON of an object. */
export function appliedHash(object: unknown): string {
  return createHash('sha256').update(canonicalJson(object)).digest('hex').slice(0, 16);
}
