import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.js';

/** A JSON schema, as far as it is rewritten here. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

const shared = '_definitions.json';

/**
 * Writes the schemas that an API server publishes in the form that kubeconform reads: the published archives hold the same,
 * but without our kinds, and have to be downloaded.
 * @returns the value of kubeconform's -schema-location
 */
export async function writeSchemas(cluster: Cluster, folder: string): Promise<string> {
  const { stdout } = await cluster.kubectl(['get', '--raw', '/openapi/v2']);
  const { definitions } = JSON.parse(stdout) as { definitions: Record<string, Schema> };
  mkdirSync(folder, { recursive: true });
  for (const [name, schema] of Object.entries(definitions)) {
    makeStrict(schema);
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      // kubeconform takes `v1` for the group of the core kinds.
      const file = join(folder, `${group === '' ? version : group}_${version}_${kind.toLowerCase()}.json`);
      writeFileSync(file, JSON.stringify({ $ref: `${shared}#/definitions/${name}` }));
    }
  }
  writeFileSync(join(folder, shared), JSON.stringify({ definitions }));
  return join(folder, '{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json');
}

/** Refuses fields that are not described, as the API server does with strict field validation. */
function makeStrict(schema: Schema): void {
  if (schema.format === 'int-or-string') schema.type = ['string', 'integer'];
  // Formats are annotations of Kubernetes, not assertions: int32 and the like are unknown to JSON Schema.
  delete schema.format;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.properties !== undefined && !open) schema.additionalProperties ??= false;
  for (const inner of Object.values(schema.properties ?? {})) makeStrict(inner);
  if (schema.items !== undefined) makeStrict(schema.items);
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    makeStrict(additionalProperties);
  }
}
