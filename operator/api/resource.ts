import { array, integer, map, object, oneOf, optional, string, type Infer, type Schema } from './schema.js';

export const group = 'memory.tori.dev';
export const apiVersion = `${group}/v1alpha1`;

/** What a resource says about itself; the fields that the API server or the local platform fills are optional. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Grows with every change of spec. */
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
}

/** A resource of this group, as the API server stores it and the local platform keeps it in a file. */
export interface Resource<Kind extends string, Spec, Status> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
}

/** A column of `kubectl get` and `tori get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** 1 shows the column only with `-o wide`. */
  readonly priority?: 0 | 1;
}

/** All that a CRD needs to know of a kind. */
export interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** What its name may be. */
  readonly name: NameRule;
  readonly columns: readonly Column[];
  readonly spec: Schema<unknown>;
  readonly status: Schema<unknown>;
}

/** Bounds of `metadata.name` beside those of every resource. */
export interface NameRule {
  readonly pattern: string;
  readonly maxLength: number;
}

/** Pattern of RFC 1123 labels: names of resources, because they become parts of host names. */
export const labelPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

/** A name that is one RFC 1123 label. */
export const labelName: NameRule = { pattern: labelPattern, maxLength: 63 };

/** A reference by name to a resource of the same namespace. */
export function nameText(description: string) {
  return string({ description, pattern: labelPattern, minLength: 1, maxLength: 63 });
}

/** An instant as RFC 3339 text. */
export function instant(description: string) {
  return string({ description, format: 'date-time', maxLength: 64 });
}

/** A key of a Secret: secrets are named, never written into a resource. */
export function secretKey(description: string) {
  return object(
    {
      name: nameText('Name of the Secret; locally a file in the secrets folder.'),
      key: string({
        description: 'Key inside the Secret.',
        pattern: '^[-._a-zA-Z0-9]+$',
        minLength: 1,
      }),
    },
    { description },
  );
}

export const conditionSchema = object(
  {
    type: string({
      description: 'What is true or not: Ready, Reconciling, Stalled or a domain condition.',
      maxLength: 316,
    }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether it is so.' }),
    observedGeneration: optional(
      integer({ description: 'Generation of the resource that this is about.', minimum: 0 }),
    ),
    lastTransitionTime: instant('When status last changed from one value to another.'),
    reason: string({
      description: 'One word for programs.',
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      maxLength: 1024,
    }),
    message: string({ description: 'One sentence for people.', maxLength: 32768 }),
  },
  { description: 'One observation of this resource, in the form of metav1.Condition.' },
);

export type Condition = Infer<typeof conditionSchema>;

export const conditionsSchema = array(conditionSchema, {
  description:
    'Ready, Reconciling and Stalled (kstatus), and domain conditions that are only there while true.',
  mapKeys: ['type'],
  maxItems: 16,
});

/** Labels, annotations or node labels. */
export function textMap(description: string) {
  return map(string({ maxLength: 4096 }), { description });
}
