import type { TuningRule } from '../api/tuning-rules.js';
import type { Estimate } from '../api/tuning-status.js';
import type { Query } from './reading.js';
import { released } from './rule-state.js';

/** Least relative gain when the rule names no objective. */
const defaultGain = 0.05;

type Objective = NonNullable<TuningRule['objective']>;

/** What a change by this rule has to achieve; by default its own metric moves to the better side. */
export function objectiveOf(rule: TuningRule): Objective {
  return rule.objective ?? { expect: rule.when === 'above' ? 'decrease' : 'increase', value: defaultGain };
}

/** How the objective is measured: over the window of the rule, on its metric unless it names another. */
export function objectiveQuery(rule: TuningRule): Query {
  const { metric, aggregate } = objectiveOf(rule);
  return { ...rule, ...(metric !== undefined && { metric }), ...(aggregate !== undefined && { aggregate }) };
}

/**
 * Whether a change has proved itself. A gain must reach the relative size that the rule asks for and one standard error
 * of the difference, because a rule fires on the bad side of the noise and the next window is better by chance; or the
 * trouble is over altogether.
 */
export function proved(rule: TuningRule, before: Estimate, after: Estimate): boolean {
  const objective = objectiveOf(rule);
  switch (objective.expect) {
    case 'stayBelow':
      return after.value <= objective.value;
    case 'stayAbove':
      return after.value >= objective.value;
    case 'increase':
      return over(rule, after) || after.value - before.value >= leastGain(objective.value, before, after);
    case 'decrease':
      return over(rule, after) || before.value - after.value >= leastGain(objective.value, before, after);
  }
}

/** Whether the rule itself would let go; only known when its own number was measured. */
function over(rule: TuningRule, after: Estimate): boolean {
  const { metric = rule.metric, aggregate = rule.aggregate } = objectiveOf(rule);
  return metric === rule.metric && aggregate === rule.aggregate && released(rule, after.value);
}

function leastGain(relative: number, before: Estimate, after: Estimate): number {
  return Math.max(relative * Math.abs(before.value), Math.hypot(before.standardError, after.standardError));
}
