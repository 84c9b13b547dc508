import fc from 'fast-check';
import { definitions } from '../../operator/api/definitions.js';
import { apiVersion } from '../../operator/api/resource.js';
import type { StructuralSchema } from '../../operator/api/schema.js';

/** Texts that some field of some kind accepts, and some that none does. */
const texts = fc.constantFrom(
  ...[
    '1',
    '0.1.0',
    'memory',
    'Memory',
    '',
    'a b',
    '10s',
    '2m',
    '1h30m',
    '0s',
    '200h',
    'soon',
    '500m',
    '1Gi',
    '2GB',
  ],
  ...[
    'http://prometheus:9090',
    'm.example.org',
    '2026-01-01T00:00:00Z',
    'consol_settle_loops',
    'x'.repeat(64),
  ],
);

const junk: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(null, true, -1, 0.5, 'junk', [], {}, [1]);

/**
 * Values of a schema: mostly of the right type, inside or just outside of the bounds, with fields left out and now and
 * then something else.
 */
function valueOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const right = schema.enum === undefined ? ofType(schema) : fc.constantFrom(...schema.enum);
  return fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: junk });
}

const ofType = (schema: StructuralSchema) => byType[schema.type](schema);

const byType: Readonly<
  Record<StructuralSchema['type'], (schema: StructuralSchema) => fc.Arbitrary<unknown>>
> = {
  boolean: () => fc.boolean(),
  integer: ({ minimum = 0, maximum = 100 }) =>
    fc.integer({ min: minimum - 1, max: Math.min(maximum, 1000) + 1 }),
  number: ({ minimum = 0, maximum = 10 }) =>
    fc.constantFrom(minimum, maximum, (minimum + maximum) / 2, (minimum + maximum) / 3, maximum * 2),
  string: () => texts,
  array: ({ items, minItems = 0 }) => fc.array(valueOf(items!), { minLength: minItems, maxLength: 3 }),
  object: (schema) => (schema.properties === undefined ? mapOf(schema) : objectOf(schema)),
};

function mapOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const keys = fc.constantFrom('A', 'LOG_LEVEL', 'cpu', 'memory', 'GRPC_PORT', 'lower');
  return fc.dictionary(keys, valueOf(schema.additionalProperties!), { maxKeys: 2 });
}

function objectOf(schema: StructuralSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties!);
  const needed = new Set(schema.required);
  const others = properties.filter(([name]) => !needed.has(name));
  // A few fields at a time: with all of them nearly every manifest would be wrong somewhere.
  return fc
    .subarray(others, { maxLength: Math.min(2, others.length) })
    .chain((chosen) =>
      fc.record(
        Object.fromEntries(
          [...properties.filter(([name]) => needed.has(name)), ...chosen].map(([name, field]) => [
            name,
            valueOf(field),
          ]),
        ),
      ),
    );
}

/** Manifests of every kind, right and wrong ones, made from the schemas. */
export const anyManifest: fc.Arbitrary<unknown> = fc
  .constantFrom(...definitions)
  .chain(({ kind, spec }) =>
    objectOf(spec.json).map((value) => ({ apiVersion, kind, metadata: { name: 'any' }, spec: value })),
  );
