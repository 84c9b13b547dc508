import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { childPath, nearest, type ManifestProblem } from './problem.js';
import type { StructuralSchema } from './schema.js';

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: false,
  formats: {
    int32: true,
    int64: true,
    double: true,
    'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
  },
});

/** Checks types, bounds and unknown fields, and fills defaults in place. */
export type StructureCheck = (document: unknown) => ManifestProblem[];

/** Compiles a structural schema; unlike the API server's pruning it refuses unknown fields, as kubectl does. */
export function structureCheck(schema: StructuralSchema): StructureCheck {
  const validate: ValidateFunction = ajv.compile(closed(schema));
  return (document) => (validate(document) ? [] : (validate.errors ?? []).map(problemOf));
}

/** The schema with `additionalProperties: false` wherever fields are named. */
function closed(schema: StructuralSchema): object {
  const { properties, additionalProperties, items, ...rest } = schema;
  return {
    ...rest,
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: closed(additionalProperties) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, child]) => [key, closed(child)]),
          ),
          additionalProperties: false,
        }),
  };
}

function problemOf(error: ErrorObject): ManifestProblem {
  const path = pathOf(error);
  const params = error.params as Record<string, string>;
  if (error.keyword === 'required') {
    return {
      path: childPath(path, params['missingProperty']!),
      value: undefined,
      reason: 'it must be given',
    };
  }
  if (error.keyword === 'additionalProperties')
    return unknownField(error, path, params['additionalProperty']!);
  return { path, value: error.data, reason: reasonOf(error) };
}

function unknownField(error: ErrorObject, path: string, key: string): ManifestProblem {
  const known = Object.keys((error.parentSchema as { properties: object }).properties);
  const meant = nearest(key, known);
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`;
  const value = (error.data as Record<string, unknown>)[key] ?? null;
  return { path: childPath(path, key), value, reason: `unknown field; ${hint}` };
}

const units: Readonly<Record<string, string>> = {
  minItems: 'have at least # items',
  maxItems: 'have at most # items',
  minLength: 'have at least # characters',
  maxLength: 'have at most # characters',
  maxProperties: 'have at most # keys',
  minimum: 'be at least #',
  maximum: 'be at most #',
  type: 'be of type #',
  pattern: "match '#'",
};

function reasonOf({ keyword, schema, message }: ErrorObject): string {
  if (keyword === 'enum') {
    return `must be one of ${(schema as string[]).map((word) => JSON.stringify(word)).join(', ')}`;
  }
  const template = units[keyword];
  if (template === undefined) return message ?? keyword;
  return `must ${template.replace('#', () => String(schema))}`;
}

/** The JSON pointer of ajv as a path; list indices in brackets. */
function pathOf({ instancePath }: ErrorObject): string {
  return instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, key) => childPath(path, /^[0-9]+$/.test(key) ? Number(key) : key), '');
}
