import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { brokenRule } from './cel.js';
import { crdFiles } from './crd-files.js';
import { crdOf } from './crd.js';
import { definitions } from './definitions.js';
import type { Rule, StructuralSchema } from './schema.js';

const folder = new URL('../../crds/', import.meta.url);

interface Node {
  readonly path: string;
  readonly schema: StructuralSchema;
}

/** Every node of a schema with its path. */
function nodes(path: string, schema: StructuralSchema): Node[] {
  const children: [string, StructuralSchema | undefined][] = [
    ...Object.entries(schema.properties ?? {}),
    ['[]', schema.items],
    ['{}', schema.additionalProperties],
  ];
  return [
    { path, schema },
    ...children.flatMap(([key, child]) => (child === undefined ? [] : nodes(`${path}.${key}`, child))),
  ];
}

const everyNode = definitions.flatMap(({ kind, spec, status }) => [
  ...nodes(`${kind}.spec`, spec.json),
  ...nodes(`${kind}.status`, status.json),
]);
const everyRule = everyNode.flatMap(({ path, schema }) =>
  (schema['x-kubernetes-validations'] ?? []).map((rule) => ({ path, schema, rule })),
);

test('crds/ is what the types say (else run `npm run gen:crds`)', () => {
  const files = crdFiles();
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(new URL(name, folder), 'utf8')).toBe(text);
});

describe('a CRD is what an API server accepts', () => {
  test.each(definitions)('$kind has names, columns and a status subresource', (definition) => {
    expect(crdOf(definition)).toMatchObject({
      metadata: { name: `${definition.plural}.memory.tori.dev` },
      spec: {
        group: 'memory.tori.dev',
        names: { shortNames: definition.shortNames, categories: ['tori'] },
        versions: [{ name: 'v1alpha1', subresources: { status: {} } }],
      },
    });
    const text = crdFiles().get(`memory.tori.dev_${definition.plural}.yaml`)!;
    expect(parse(text)).toEqual(JSON.parse(JSON.stringify(crdOf(definition))));
  });

  test('every list, map and text is bounded, so that CEL rules have a cost', () => {
    const unbounded = everyNode.filter(
      ({ schema }) =>
        (schema.type === 'array' && schema.maxItems === undefined) ||
        (schema.additionalProperties !== undefined && schema.maxProperties === undefined) ||
        (schema.type === 'string' && schema.enum === undefined && schema.maxLength === undefined),
    );
    expect(unbounded.map(({ path }) => path)).toEqual([]);
  });

  test('every field says what it is, for `kubectl explain`', () => {
    const silent = everyNode.filter(
      ({ path, schema }) =>
        schema.description === undefined && (schema.type === 'object' || !/\.(\[\]|\{\})$/.test(path)),
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('the keys of a list of objects are always there', () => {
    for (const { path, schema } of everyNode) {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      expect({ path, required: schema.items?.required ?? [] }).toMatchObject({
        required: expect.arrayContaining([...keys]),
      });
    }
  });

  test.each(everyRule)('the rule "$rule.rule" of $path can be read and blames a field that exists', (one) => {
    const broken: Rule = one.rule;
    expect(brokenRule(broken, {}, {}) ?? '').not.toMatch(/parse|syntax|Unexpected/i);
    const keys = (broken.fieldPath ?? '').split('.').filter((key) => key !== '');
    const blamed = keys.reduce<StructuralSchema | undefined>((at, key) => at?.properties?.[key], one.schema);
    expect(blamed).toBeDefined();
  });
});
