/**
 * One source for types, defaults and validation of the resources.
 *
 * A `Schema<T>` is a Kubernetes structural schema (OpenAPI v3 subset with defaults and CEL rules) that also carries
 * the TypeScript type of a value which passed it. The CRDs in crds/ print `schema.json` as it is, local validation
 * compiles the same object, and `Infer<typeof schema>` is the type: nothing is said twice.
 *
 * Sections with defaults inside are written `withDefault(object({ … }), {})`: Kubernetes and ajv both fill nested
 * defaults only where the parent is there.
 */

/** A CEL rule of one node: `self` is the value at that node, `oldSelf` (transition rules) its stored value. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** Path of the field to blame, relative to the node, such as `.services.vault.replicas`. */
  readonly fieldPath?: string;
}

/** The subset of OpenAPI v3 that Kubernetes accepts as a structural schema and that these resources use. */
export interface StructuralSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly format?: 'int32' | 'int64' | 'double' | 'date-time';
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: StructuralSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: StructuralSchema;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

declare const valueType: unique symbol;

/** Whether a key must be written, is filled by its default, or may stay away. */
type Presence = 'required' | 'defaulted' | 'optional';

/** A structural schema whose accepted values, with defaults filled, have the type T. */
export interface Schema<T, P extends Presence = Presence> {
  readonly json: StructuralSchema;
  readonly presence: P;
  readonly [valueType]?: () => T;
}

/** Type of the values that a schema accepts, after defaults. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type OptionalKey<F extends Fields, K extends keyof F> = F[K] extends Schema<unknown, 'optional'> ? K : never;
type RequiredKey<F extends Fields, K extends keyof F> = F[K] extends Schema<unknown, 'optional'> ? never : K;
type ObjectOf<F extends Fields> = {
  readonly [K in keyof F as RequiredKey<F, K>]: Infer<F[K]>;
} & {
  readonly [K in keyof F as OptionalKey<F, K>]?: Infer<F[K]>;
};

interface Described {
  readonly description?: string;
  readonly rules?: readonly Rule[];
}

interface StringOptions extends Described {
  readonly pattern?: string;
  readonly format?: 'date-time';
  readonly minLength?: number;
  /** Bounds the cost of CEL rules; 253 unless told. */
  readonly maxLength?: number;
}

interface NumberOptions extends Described {
  readonly minimum?: number;
  readonly maximum?: number;
}

interface ArrayOptions extends Described {
  readonly minItems?: number;
  /** Bounds the cost of CEL rules and the size of a resource; 64 unless told. */
  readonly maxItems?: number;
  readonly listType?: 'atomic' | 'set';
  /** Makes it a list of objects with these keys as identity. */
  readonly mapKeys?: readonly string[];
}

interface MapOptions extends Described {
  readonly maxProperties?: number;
}

/** A text. */
export function string(options: StringOptions = {}): Schema<string, 'required'> {
  const { rules, ...rest } = options;
  return required({ type: 'string', maxLength: 253, ...rest, ...validations(rules) });
}

/** One of a closed set of words. */
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Described = {},
): Schema<W, 'required'> {
  const { rules, ...rest } = options;
  return required({ type: 'string', enum: words, ...rest, ...validations(rules) });
}

/** A whole number; 64 bits in Kubernetes. */
export function integer(options: NumberOptions = {}): Schema<number, 'required'> {
  const { rules, ...rest } = options;
  return required({ type: 'integer', format: 'int64', ...rest, ...validations(rules) });
}

/**
 * A real number. The API server rounds a bound down to a whole number before it compares a whole number with it
 * (k8s.io/kube-openapi, `MinimumNativeType`), so that 0 would pass a minimum of 0.25: such a minimum is a CEL rule too.
 */
export function number(options: NumberOptions = {}): Schema<number, 'required'> {
  const { rules = [], ...rest } = options;
  const { minimum = 0 } = options;
  const bound = { rule: `self >= ${minimum}`, message: `must be at least ${minimum}` };
  const all = Number.isInteger(minimum) ? rules : [bound, ...rules];
  return required({ type: 'number', ...rest, ...validations(all.length === 0 ? undefined : all) });
}

export function boolean(options: Described = {}): Schema<boolean, 'required'> {
  const { rules, ...rest } = options;
  return required({ type: 'boolean', ...rest, ...validations(rules) });
}

/** A list; atomic unless `mapKeys` or `listType` say how server-side apply merges it. */
export function array<T>(items: Schema<T>, options: ArrayOptions = {}): Schema<readonly T[], 'required'> {
  const { rules, mapKeys, listType = 'atomic', ...rest } = options;
  return required({
    type: 'array',
    maxItems: 64,
    ...rest,
    items: items.json,
    'x-kubernetes-list-type': mapKeys === undefined ? listType : 'map',
    ...(mapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': mapKeys }),
    ...validations(rules),
  });
}

/** Free keys, one kind of value. */
export function map<T>(
  values: Schema<T>,
  options: MapOptions = {},
): Schema<Readonly<Record<string, T>>, 'required'> {
  const { rules, ...rest } = options;
  return required({
    type: 'object',
    maxProperties: 64,
    ...rest,
    additionalProperties: values.json,
    ...validations(rules),
  });
}

/** Named fields; any other key is refused. */
export function object<const F extends Fields>(
  fields: F,
  options: Described = {},
): Schema<ObjectOf<F>, 'required'> {
  const { rules, ...rest } = options;
  const entries = Object.entries(fields);
  const mandatory = entries.filter(([, field]) => field.presence === 'required').map(([name]) => name);
  return required({
    type: 'object',
    ...rest,
    properties: Object.fromEntries(entries.map(([name, field]) => [name, field.json])),
    ...(mandatory.length === 0 ? {} : { required: mandatory }),
    ...validations(rules),
  });
}

/** A field that may stay away and has no default. */
export function optional<T>(schema: Schema<T>): Schema<T, 'optional'> {
  return { json: schema.json, presence: 'optional' };
}

/**
 * A field that is filled with this JSON value when it is not written; `{}` for a section with defaults inside. The CRD
 * prints the value with those filled in, because the API server runs the CEL rules over it as it stands.
 */
export function withDefault<T>(schema: Schema<T>, value: unknown): Schema<T, 'defaulted'> {
  return { json: { ...schema.json, default: filled(schema.json, value) }, presence: 'defaulted' };
}

function filled(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (schema.items ? filled(schema.items, item) : item));
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return value;
  const given = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(schema.properties)
      .map(([name, field]) => [name, name in given ? filled(field, given[name]) : field.default])
      .filter(([, content]) => content !== undefined),
  );
}

function required<T>(json: StructuralSchema): Schema<T, 'required'> {
  return { json, presence: 'required' };
}

function validations(rules: readonly Rule[] | undefined): { 'x-kubernetes-validations'?: readonly Rule[] } {
  return rules === undefined ? {} : { 'x-kubernetes-validations': rules };
}
