import type { Condition } from './resource.js';

/** A condition as it is wanted, before times and generation. */
export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** When and about which generation something is said. */
export interface Said {
  readonly generation: number;
  readonly now: Date;
}

/**
 * The conditions with one set. `lastTransitionTime` changes only when `status` does, so that it tells how long
 * something has been so (API conventions of Kubernetes, "Typical status properties").
 */
export function setCondition(
  conditions: readonly Condition[],
  wanted: Statement,
  said: Said,
): readonly Condition[] {
  const before = conditions.find(({ type }) => type === wanted.type);
  const condition: Condition = {
    type: wanted.type,
    status: wanted.status,
    observedGeneration: said.generation,
    lastTransitionTime: before?.status === wanted.status ? before.lastTransitionTime : said.now.toISOString(),
    reason: wanted.reason,
    message: wanted.message,
  };
  return before === undefined
    ? [...conditions, condition]
    : conditions.map((one) => (one === before ? condition : one));
}

/** Replaces all conditions, keeping the transition times of those that were there. */
export function setConditions(
  before: readonly Condition[],
  wanted: readonly Statement[],
  said: Said,
): readonly Condition[] {
  return wanted.reduce<readonly Condition[]>(
    (conditions, one) => setCondition(conditions, one, said),
    before.filter(({ type }) => wanted.some((one) => one.type === type)),
  );
}

/** Whether a condition is there and True. */
export function isTrue(conditions: readonly Condition[], type: string): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** Not ready, and work goes on by itself. */
export function reconciling(reason: string, message: string): readonly Statement[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Reconciling', status: 'True', reason, message },
  ];
}

/** Not ready, and a person has to act. */
export function stalled(reason: string, message: string): readonly Statement[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
  ];
}
