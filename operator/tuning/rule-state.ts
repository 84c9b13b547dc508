import { Duration } from '../api/duration.js';
import type { TuningRule } from '../api/tuning-rules.js';
import type { Estimate, RuleStatus } from '../api/tuning-status.js';
import type { Reading } from './reading.js';

/** Share of a past fruitless value by which a rule must be worse to be tried again early. */
const worseBy = 0.05;

/** The instants that a rule's state depends on, in epoch milliseconds. */
export interface Moment {
  readonly now: number;
  readonly lastEvaluation: number | undefined;
  readonly staleAfterMs: number;
}

/**
 * Moves a rule by one evaluation: a Schmitt trigger with a hold time. It begins to hold past `enter`, goes on until it
 * is back past `exit`, and fires once it has held for `for`. A reading that is missing ends the hold, and so does a
 * pause of the tuner so long that nobody knows what was in it.
 */
export function nextRuleStatus(
  rule: TuningRule,
  reading: Reading,
  previous: RuleStatus | undefined,
  moment: Moment,
): RuleStatus {
  const exhausted = stillExhausted(rule, reading, previous, moment.now);
  return {
    ...(reading.kind === 'missing'
      ? stayIn('NoData', { reason: reading.reason }, previous, moment)
      : triggered(rule, reading.estimate.value, previous, moment)),
    ...(exhausted !== undefined && { exhausted }),
  };
}

function triggered(
  rule: TuningRule,
  value: number,
  previous: RuleStatus | undefined,
  moment: Moment,
): RuleStatus {
  const held = previous !== undefined && isHolding(previous) && !interrupted(rule, moment);
  if (held ? released(rule, value) : !past(rule, value, rule.enter)) {
    return stayIn('Idle', { value }, previous, moment);
  }
  const since = held ? previous.since : iso(moment.now);
  const long = moment.now - Date.parse(since) >= Duration.parse(rule.for).milliseconds;
  return { state: long ? 'Firing' : 'Pending', since, value };
}

/** A state that knows since when it lasts. */
function stayIn(
  state: 'Idle' | 'NoData',
  detail: Pick<RuleStatus, 'value' | 'reason'>,
  previous: RuleStatus | undefined,
  { now }: Moment,
): RuleStatus {
  return { state, since: previous?.state === state ? previous.since : iso(now), ...detail };
}

/** Whether the rule is past its enter threshold and not back past its exit. */
export function isHolding({ state }: RuleStatus): boolean {
  return state === 'Pending' || state === 'Firing';
}

/** Whether a value is back past the exit threshold: the trouble is over. */
export function released(rule: TuningRule, value: number): boolean {
  return !past(rule, value, rule.exit);
}

/** Whether a value lies past a limit on the side on which the rule acts, by more than a slack. */
export function past({ when }: TuningRule, value: number, limit: number, slack = 0): boolean {
  return when === 'above' ? value > limit + slack : value < limit - slack;
}

/**
 * Acting at this value gained nothing: trying again waits until it is clearly worse, or the time is up. Without this a
 * rule would reheat for ever an energy that is already at its floor.
 */
function stillExhausted(
  rule: TuningRule,
  reading: Reading,
  previous: RuleStatus | undefined,
  now: number,
): RuleStatus['exhausted'] {
  const exhausted = previous?.exhausted;
  if (exhausted === undefined || now >= Date.parse(exhausted.until)) return undefined;
  if (reading.kind === 'missing') return exhausted;
  return past(rule, reading.estimate.value, exhausted.value, slackOf(exhausted.value, reading.estimate))
    ? undefined
    : exhausted;
}

function slackOf(value: number, { standardError }: Estimate): number {
  return Math.max(worseBy * Math.abs(value), 2 * standardError);
}

function interrupted(rule: TuningRule, { now, lastEvaluation, staleAfterMs }: Moment): boolean {
  const longest = Math.max(2 * staleAfterMs, Duration.parse(rule.for).milliseconds / 10);
  return lastEvaluation === undefined || now - lastEvaluation > longest;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
