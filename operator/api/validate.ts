import { definitions } from './definitions.js';
import type { MemoryAction } from './memory-action.js';
import type { MemoryCluster } from './memory-cluster.js';
import { nearest, problemText, type ManifestProblem } from './problem.js';
import { apiVersion, labelPattern, type Definition, type NameRule } from './resource.js';
import { ruleProblems } from './rules.js';
import { integer, map, object, optional, string } from './schema.js';
import { structureCheck, type StructureCheck } from './structure.js';
import type { TuningProfile } from './tuning-profile.js';

export { problemText, type ManifestProblem };

/** Any resource of this group. */
export type Resource = MemoryCluster | TuningProfile | MemoryAction;

/** A resource with its defaults filled, or everything that is wrong with the manifest. */
export type Validation =
  | { readonly ok: true; readonly resource: Resource }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] };

const label = string({ maxLength: 316 });
const metadataSchema = (name: NameRule) =>
  object({
    name: string({ ...name, minLength: 1 }),
    namespace: optional(string({ pattern: labelPattern, maxLength: 63 })),
    labels: optional(map(label)),
    annotations: optional(map(string({ maxLength: 262_144 }))),
    uid: optional(string()),
    resourceVersion: optional(string()),
    generation: optional(integer()),
    creationTimestamp: optional(string({ format: 'date-time' })),
    deletionTimestamp: optional(string({ format: 'date-time' })),
  });

/** Fields of metadata that only an API server writes; a manifest read back from one still applies. */
const serverMetadata = [
  'managedFields',
  'ownerReferences',
  'selfLink',
  'finalizers',
  'deletionGracePeriodSeconds',
];

/**
 * Validates a manifest with the schema and the CEL rules of its CRD, and fills the defaults, as `kubectl apply` would.
 * @param document the parsed YAML or JSON; it is not changed
 * @param stored the resource as it is now, for rules about changes
 */
export function validateManifest(document: unknown, stored?: Resource): Validation {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return refused([
      { path: '', value: document, reason: 'a manifest has apiVersion, kind, metadata and spec' },
    ]);
  }
  const manifest = clean(document as Record<string, unknown>);
  const definition = definitions.find(({ kind }) => kind === manifest['kind']);
  if (definition === undefined) return refused([kindProblem(manifest['kind'])]);
  const structure = checkOf(definition)(manifest);
  if (structure.length > 0) return refused(structure);
  const broken = ruleProblems({
    schema: definition.spec.json,
    value: manifest['spec'],
    stored: stored?.spec,
    path: 'spec',
  });
  return broken.length > 0 ? refused(broken) : { ok: true, resource: manifest as unknown as Resource };
}

/** A deep copy without what the server owns: status and its fields of metadata. */
function clean(document: Record<string, unknown>): Record<string, unknown> {
  const manifest = without(structuredClone(document), ['status']);
  const { metadata } = manifest;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return manifest;
  return { ...manifest, metadata: without(metadata, serverMetadata) };
}

function without(fields: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key)));
}

const checks = new Map<string, StructureCheck>();

function checkOf({ kind, name, spec }: Definition): StructureCheck {
  const check =
    checks.get(kind) ??
    structureCheck({
      type: 'object',
      required: ['apiVersion', 'kind', 'metadata', 'spec'],
      properties: {
        apiVersion: { type: 'string', enum: [apiVersion] },
        kind: { type: 'string' },
        metadata: metadataSchema(name).json,
        spec: spec.json,
      },
    });
  checks.set(kind, check);
  return check;
}

function kindProblem(kind: unknown): ManifestProblem {
  const known = definitions.map((definition) => definition.kind);
  const meant = typeof kind === 'string' ? nearest(kind, known) : undefined;
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
  return { path: 'kind', value: kind, reason: `must be one of ${known.join(', ')}${hint}` };
}

function refused(problems: readonly ManifestProblem[]): Validation {
  return { ok: false, problems };
}
