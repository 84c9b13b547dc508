import type { Condition } from './resource.js';

/** What the linter looks at: any resource with a status. */
export interface WithStatus {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: unknown; readonly conditions?: readonly Condition[] };
}

type Check = (resource: WithStatus, conditions: readonly Condition[]) => string | undefined;

/** Conditions that are only there while they are True. */
const abnormalTrue = [
  'Reconciling',
  'Stalled',
  'Progressing',
  'Paused',
  'CanaryStarved',
  'MetricsStale',
  'TuningFrozen',
  'TuningOscillates',
  'TuningProfileMissing',
  'AddOnMissing',
  'ApplyFailed',
  'SecretMissing',
];

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
    return stalled && find(conditions, 'Ready')?.status !== 'False'
      ? 'Ready must be False while Stalled is True'
      : undefined;
  },
  function K6(_, conditions) {
    const reconciling = find(conditions, 'Reconciling')?.status === 'True';
    return reconciling && find(conditions, 'Ready')?.status !== 'False'
      ? 'Ready must be False while Reconciling is True'
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
  function K12({ metadata }, conditions) {
    const ahead = conditions.find(
      ({ observedGeneration = 0 }) => observedGeneration > (metadata.generation ?? Infinity),
    );
    return ahead === undefined ? undefined : `${ahead.type} is about a generation that is not there yet`;
  },
  function K13(_, conditions) {
    const timeless = conditions.find(({ lastTransitionTime }) =>
      Number.isNaN(Date.parse(lastTransitionTime)),
    );
    return timeless === undefined ? undefined : `${timeless.type} does not say since when`;
  },
  function K14(_, conditions) {
    const odd = conditions.find(({ reason }) => !/^[A-Z][A-Za-z0-9]*$/.test(reason));
    return odd === undefined
      ? undefined
      : `${odd.type} has a reason that is no CamelCase word: ${odd.reason}`;
  },
  function K15({ status }, conditions) {
    const behind = conditions.find(
      ({ type, observedGeneration }) =>
        (type === 'Reconciling' || type === 'Stalled') && observedGeneration !== status?.observedGeneration,
    );
    return behind === undefined ? undefined : `${behind.type} is about another generation than the status`;
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

/**
 * What two statuses of one resource, written one after the other, tell wrongly between them: a time of transition moves with
 * `status` and only with it, and what was observed never becomes older.
 */
export function transitionProblems(before: WithStatus, after: WithStatus): string[] {
  const problems = (after.status?.conditions ?? []).flatMap((now) => {
    const then = find(before.status?.conditions ?? [], now.type);
    if (then === undefined) return [];
    const moved = then.lastTransitionTime !== now.lastTransitionTime;
    if (moved === (then.status !== now.status)) return [];
    return [
      `T1: ${now.type} went from ${then.status} to ${now.status}, and its time ${moved ? 'moved' : 'did not'}`,
    ];
  });
  const [earlier, later] = [before, after].map(({ status }) => Number(status?.observedGeneration));
  return later! < earlier! ? [...problems, 'T2: observedGeneration went back'] : problems;
}

function find(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}
