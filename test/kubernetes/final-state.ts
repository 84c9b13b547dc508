import type { MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import { labels } from '../../operator/platform/kubernetes/render/names.js';
import type { KubeObject } from '../../operator/runtime/index.js';
import type { World } from './world.js';

const kinds =
  'serviceaccounts,configmaps,secrets,services,networkpolicies,poddisruptionbudgets,statefulsets,deployments,persistentvolumeclaims';

/** What the API server or its controllers fill in, another way each time. */
const filledIn: ReadonlySet<string> = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
  'clusterIP',
  'clusterIPs',
  'volumeName',
  'status',
  'memory.tori.dev/applied',
  'deployment.kubernetes.io/revision',
]);

/** The children of a cluster and its status, without what differs between two lives that went the same way. */
export async function finalState(world: World, name: string): Promise<Readonly<Record<string, unknown>>> {
  const args = ['get', kinds, '-o', 'json', '-l', `${labels.cluster}=${name}`];
  const { stdout, stderr, code } = await world.plane.kubectl(args);
  if (code !== 0) throw new Error(`kubectl get: ${stderr}`);
  const { items } = JSON.parse(stdout) as { readonly items: readonly KubeObject[] };
  const children = items.map((item) => [`${item.kind ?? ''}/${item.metadata.name}`, childState(item)]);
  const { status } = await world.cluster(name);
  return {
    ...(Object.fromEntries(children) as Readonly<Record<string, unknown>>),
    status: status === undefined ? undefined : statusState(status),
  };
}

/** The keys of two states at which they differ. */
export function differences(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): string[] {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.flatMap((key) => {
    const [a, b] = [one, other].map((state) =>
      key in state ? withoutEpoch(JSON.stringify(state[key])) : 'absent',
    );
    return a === b ? [] : [`${key}: ${a} ≠ ${b}`];
  });
}

/** Epochs begin at the second of the installation; how they go on is in the way that a rollout has gone. */
function withoutEpoch(text: string): string {
  return text.replace(/(\\?"epoch\\?": ?)\d+/g, '$1…');
}

function childState(item: KubeObject): unknown {
  const { kind, metadata } = item;
  // Passwords are random, and the state tells times.
  const ofNames = kind === 'Secret' || metadata.name.endsWith('-state');
  const { data } = item as { data?: object };
  return withoutFilledIn(ofNames ? { ...item, data: Object.keys(data ?? {}).sort() } : item);
}

function withoutFilledIn(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((one) => withoutFilledIn(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, unknown>>)
      .filter(([key]) => !filledIn.has(key))
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, inner]) => [key, withoutFilledIn(inner)]),
  );
}

function statusState({
  observedGeneration,
  phase,
  conditions,
  services,
  rollout,
  canary,
  tuning,
  endpoints,
}: MemoryClusterStatus): unknown {
  return {
    observedGeneration,
    phase,
    conditions: conditions
      .map(({ type, status, reason }) => `${type}=${status} ${reason}`)
      .sort((a, b) => a.localeCompare(b)),
    services: services.map(({ name, track, revision, wanted, ready }) => ({
      name,
      track,
      revision,
      wanted,
      ready,
    })),
    rollout: rollout && {
      state: rollout.state,
      stableRevision: rollout.stableRevision,
      table: rollout.table,
      revisions: rollout.revisions.map(({ revision, template }) => ({ revision, template })),
      rejected: rollout.rejectedRevisions.length,
      history: rollout.history.map(({ kind, revision, outcome }) => ({ kind, revision, outcome })),
    },
    canary,
    tuning: tuning && {
      parameters: Object.entries(tuning.parameters).map(([name, { value, source }]) => ({
        name,
        value,
        source,
      })),
      adjustments: tuning.adjustments.map(({ parameter, before, after, rule, outcome }) => ({
        parameter,
        before,
        after,
        rule,
        outcome,
      })),
    },
    endpoints,
  };
}
