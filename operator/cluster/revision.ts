import { createHash } from 'node:crypto';
import { canonicalJson } from '../api/canonical-json.js';
import type { MemoryClusterSpec } from '../api/memory-cluster.js';
import type { RevisionTemplate } from '../api/rollout-status.js';
import { serviceNames } from '../api/services-spec.js';

/**
 * The part of a spec whose change is a new revision and goes through a canary: version, and of every service image,
 * environment and explicit parameters. Replicas, resources, volumes and pod overrides change in place, and tuned
 * values are the tuner's affair.
 */
export function templateOf(spec: MemoryClusterSpec): RevisionTemplate {
  return {
    version: spec.version,
    services: Object.fromEntries(
      serviceNames.map((name) => {
        const service = spec.services[name];
        const parameters = 'parameters' in service ? service.parameters : {};
        const { image, env } = service;
        return [name, { ...(image === undefined ? {} : { image }), env, parameters: { ...parameters } }];
      }),
    ),
  };
}

/** A short stable name of a template: the first 40 bits of the SHA-256 of its canonical JSON, in hex. */
export function revisionOf(template: RevisionTemplate): string {
  return createHash('sha256').update(canonicalJson(template)).digest('hex').slice(0, 10);
}
