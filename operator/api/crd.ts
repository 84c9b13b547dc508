import { group, type Definition } from './resource.js';
import type { StructuralSchema } from './schema.js';

/** The CustomResourceDefinition of a kind, as a JSON value. */
export function crdOf(definition: Definition): Record<string, unknown> {
  const { kind, plural, singular, shortNames } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'tori-memory' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ['tori'] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns,
          schema: { openAPIV3Schema: documentSchema(definition) },
        },
      ],
    },
  };
}

function documentSchema({ kind, name, spec, status }: Definition): StructuralSchema {
  return {
    type: 'object',
    description: `${kind} of TORI Memory.`,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', properties: { name: { type: 'string', ...name } } },
      spec: spec.json,
      status: status.json,
    },
  };
}
