import { readAuditLog } from '../cluster/audit-log.js';
import type { Manifest } from './helm.js';

/** One verb on one resource, such as `update memory.tori.dev/memoryclusters/status`; the group of the core is empty. */
export type Right = string;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A Role. */
export type Role = Manifest & { readonly rules: readonly Rule[] };

const right = (verb: string, group: string, resource: string): Right => `${verb} ${group}/${resource}`;

/** Everything that a role grants, verb by verb. */
export function grantedRights({ rules }: Role): Right[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) => resources.map((resource) => right(verb, group, resource))),
    ),
  );
}

/** The role without one of its rights. */
export function without(role: Role, taken: Right): Role {
  const rules = role.rules.flatMap((rule) =>
    rule.apiGroups.flatMap((group) =>
      rule.resources.map((resource) => ({
        ...rule,
        apiGroups: [group],
        resources: [resource],
        verbs: rule.verbs.filter((verb) => right(verb, group, resource) !== taken),
      })),
    ),
  );
  return { ...role, rules: rules.filter(({ verbs }) => verbs.length > 0) };
}

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

/** What a user's requests took and were refused. */
export interface Traffic {
  readonly used: ReadonlySet<Right>;
  readonly denied: ReadonlySet<Right>;
}

/**
 * Reads an audit log.
 * @param from bytes of the log to pass over
 */
export function trafficOf(log: string, user: string, from = 0): Traffic {
  const used = new Set<Right>();
  const denied = new Set<Right>();
  for (const entry of readAuditLog(log, from) as AuditLine[]) {
    if (entry.user.username !== user || entry.objectRef === undefined) continue;
    const refused = refusalOf(entry, entry.objectRef);
    if (refused !== undefined) denied.add(refused);
    else for (const one of rightsOf(entry, entry.objectRef)) used.add(one);
  }
  return { used, denied };
}

function rightsOf(
  { verb, responseStatus }: AuditLine,
  { apiGroup = '', resource, subresource }: NonNullable<AuditLine['objectRef']>,
): Right[] {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  // A server-side apply of something new is a patch that has to be allowed as a create as well.
  const verbs = verb === 'patch' && responseStatus?.code === 201 ? ['patch', 'create'] : [verb];
  return verbs.map((one) => right(one, apiGroup, name));
}

/**
 * The right that a refused request was for. The log does not keep the words of a refusal where metadata alone was asked for, and
 * so not that an apply was refused for want of create, see {@link refusalsIn}.
 */
function refusalOf(
  { verb, responseStatus }: AuditLine,
  { apiGroup = '', resource }: NonNullable<AuditLine['objectRef']>,
): Right | undefined {
  if (responseStatus?.code !== 403) return undefined;
  const [told] = refusalsIn(responseStatus.message ?? '');
  return told ?? right(verb, apiGroup, resource);
}

/** The rights that were missing, from the words of the API server in a text such as the operator's log. */
export function refusalsIn(text: string): Set<Right> {
  const words = /cannot (\w+) resource \\?"([^"\\]+)\\?" in API group \\?"([^"\\]*)\\?"/g;
  const found = Array.from(text.matchAll(words), ([, verb, resource, group]) =>
    right(verb!, group!, resource!),
  );
  if (text.includes("can't set finalizers on"))
    found.push('update memory.tori.dev/memoryclusters/finalizers');
  return new Set(found);
}
