import { stringify } from 'yaml';
import { apiVersion } from '../../operator/api/resource.js';

/** A part of a resource, enough for a patch. */
export interface PartialResource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: object;
}

/**
 * The YAML of a partial manifest: a strategic merge patch for kustomize and for `kubectl patch --type merge --patch-file`.
 * @param comment lines put above it
 */
export function manifestOf(
  { kind, metadata: { name, namespace }, spec }: PartialResource,
  comment: readonly string[] = [],
): string {
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  const head = comment.map((text) => `# ${text}\n`).join('');
  return `${head}${stringify({ apiVersion, kind, metadata, spec })}`;
}
