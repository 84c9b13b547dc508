import type { Condition } from './resource.js';

/** What the linter looks at: any resource with a status. */
export interface WithStatus {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: unknown; readonly conditions?: readonly Condition[] };
}

type Check = (resource: WithStatus, conditions: readonly Condition[]) => string | undefined;

/** Conditions that are only there while they are True. */
const abnormalTrue = ['Reconciling', 'Stalled', 'Paused', 'CanaryStarved', 'MetricsStale'];

/**
 * The rules by which Flux, Argo CD and Helm read a status, numbered (kstatus of cli-utils; Flux runtime/conditions/check).
 * A status that breaks one makes a tool wait for ever, or believe that something is done which is not.
 */
const checks: readonly Check[] = [
  function K1({ status }) {
    return status === undefined ? 'a resource without status looks Current to kstatus' : undefined;
  },
  function K2({ status }) {
    return Number.isSafeInteger(status?.observedGeneration)
      ? undefined
      : 'observedGeneration must be a whole number';
  },
  function K3({ metadata, status }) {
    return Number(status?.observedGeneration) > (metadata.generation ?? Infinity)
      ? 'observedGeneration is ahead of generation'
      : undefined;
  },
  function K4(_, conditions) {
    return find(conditions, 'Ready') === undefined ? 'Ready is missing' : undefined;
  },
  function K5(_, conditions) {
    const stalled = find(conditions, 'Stalled')?.status === 'True';
    return stalled && find(conditions, 'Ready')?.status === 'True'
      ? 'Ready and Stalled are both True'
      : undefined;
  },
  function K6(_, conditions) {
    const reconciling = find(conditions, 'Reconciling')?.status === 'True';
    return reconciling && find(conditions, 'Ready')?.status === 'True'
      ? 'Ready and Reconciling are both True'
      : undefined;
  },
  function K7(_, conditions) {
    const both = ['Reconciling', 'Stalled'].every((type) => find(conditions, type)?.status === 'True');
    return both ? 'Reconciling and Stalled are both True' : undefined;
  },
  function K8(_, conditions) {
    const idle = conditions.find(({ type, status }) => abnormalTrue.includes(type) && status !== 'True');
    return idle === undefined ? undefined : `${idle.type} is kept though it is not True`;
  },
  function K9({ status }, conditions) {
    const ready = find(conditions, 'Ready');
    return ready === undefined || ready.observedGeneration === status?.observedGeneration
      ? undefined
      : 'Ready is about another generation than the status';
  },
  function K10(_, conditions) {
    const types = conditions.map(({ type }) => type);
    return new Set(types).size === types.length ? undefined : 'a condition is there twice';
  },
  function K11(_, conditions) {
    const empty = conditions.find(({ reason, message }) => reason === '' || message === '');
    return empty === undefined ? undefined : `${empty.type} gives no reason or message`;
  },
];

/** Everything about a status that tools would misread; empty when it is sound. */
export function statusProblems(resource: WithStatus): string[] {
  const conditions = resource.status?.conditions ?? [];
  return checks.flatMap((check) => {
    const problem = check(resource, conditions);
    return problem === undefined ? [] : [`${check.name}: ${problem}`];
  });
}

function find(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}
