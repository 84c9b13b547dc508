import { Duration } from '../api/duration.js';
import {
  tunableParameters,
  type Adjustment,
  type Estimate,
  type ParameterState,
  type TunableParameter,
  type Trial,
} from '../api/tuning-status.js';
import { amend, isoOf, record, ruleOf, type Draft } from './draft.js';
import { directionOf, oscillationWindow, turned } from './oscillation.js';
import { read } from './reading.js';
import { objectiveOf, objectiveQuery, proved } from './trial.js';
import { limitRange } from './value.js';

/** Decides the trials whose objective can be measured: kept or reverted. The others go on; without data nothing moves. */
export function settleTrials(draft: Draft): void {
  for (const parameter of tunableParameters) {
    const { state } = draft.parameters[parameter];
    if (state.phase === 'OnTrial') judge(draft, parameter, state.trial);
    if (state.phase === 'OnCanary') adoptOutcome(draft, parameter, state);
  }
}

/** Ends a trial: its line in the history, then the cool-down. */
export function settle(
  draft: Draft,
  parameter: TunableParameter,
  trial: Trial,
  result: { readonly outcome: 'Kept' | 'Reverted' | 'Interrupted'; readonly after?: Estimate },
): void {
  const begun = draft.adjustments.find(({ id }) => id === trial.adjustment) ?? begunFrom(parameter, trial);
  const rule = ruleOf(draft, trial.rule);
  record(draft, {
    ...begun,
    outcome: result.outcome,
    settledAt: draft.at,
    ...(rule !== undefined && {
      objective: {
        metric: objectiveOf(rule).metric ?? rule.metric,
        before: trial.before,
        ...(result.after !== undefined && { after: result.after }),
      },
    }),
  });
  amend(draft, parameter, { state: { phase: 'CoolingDown', until: trial.coolDownUntil } });
}

function judge(draft: Draft, parameter: TunableParameter, trial: Trial): void {
  const rule = ruleOf(draft, trial.rule);
  if (rule === undefined) {
    settle(draft, parameter, trial, { outcome: 'Interrupted' });
    return;
  }
  const reading = read(objectiveQuery(rule), draft.view, Date.parse(trial.measureFrom));
  if (reading.kind === 'missing') return;
  const after = reading.estimate;
  if (proved(rule, trial.before, after)) settle(draft, parameter, trial, { outcome: 'Kept', after });
  else revert(draft, parameter, trial, after);
}

function revert(draft: Draft, parameter: TunableParameter, trial: Trial, after: Estimate): void {
  const spec = draft.input.profile.parameters[parameter];
  const value = limitRange(trial.from, { spec, parameter });
  settle(draft, parameter, trial, { outcome: 'Reverted', after });
  changeValue(draft, parameter, { from: trial.to, to: value });
  exhaust(draft, parameter, trial);
}

/** Puts a value in force, and remembers which way it went. */
export function changeValue(
  draft: Draft,
  parameter: TunableParameter,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  amend(draft, parameter, {
    value: to,
    tuned: to,
    source: 'Tuner',
    evidenceFrom: draft.at,
    ...(to !== from && turned(draft.parameters[parameter], directionOf(from, to), draft.at)),
  });
}

/** What gained nothing is not tried again soon, and the parameter rests for a whole cool-down. */
function exhaust(draft: Draft, parameter: TunableParameter, trial: Trial): void {
  const rule = ruleOf(draft, trial.rule);
  const status = draft.rules[trial.rule];
  if (rule === undefined) return;
  amend(draft, parameter, {
    state: {
      phase: 'CoolingDown',
      until: isoOf(draft.view.now + Duration.parse(rule.coolDown).milliseconds),
    },
  });
  if (status === undefined) return;
  const until = isoOf(draft.view.now + oscillationWindow(draft.input.profile.rules, parameter));
  const value = draft.adjustments.find(({ id }) => id === trial.adjustment)?.evidence?.value;
  draft.rules[trial.rule] = { ...status, exhausted: { value: value ?? trial.before.value, until } };
}

function adoptOutcome(
  draft: Draft,
  parameter: TunableParameter,
  { trial, tuningGeneration }: Extract<ParameterState, { phase: 'OnCanary' }>,
): void {
  const { canary } = draft.input;
  if (canary?.tuningGeneration !== tuningGeneration) return;
  switch (canary.outcome) {
    case 'Promoted':
      settle(draft, parameter, trial, { outcome: 'Kept' });
      changeValue(draft, parameter, trial);
      return;
    case 'RolledBack':
      settle(draft, parameter, trial, { outcome: 'Reverted' });
      exhaust(draft, parameter, trial);
      return;
    case 'Superseded':
      settle(draft, parameter, trial, { outcome: 'Interrupted' });
  }
}

/** The line of a change that the bounded history no longer has. */
function begunFrom(parameter: TunableParameter, trial: Trial): Adjustment {
  const { adjustment: id, startedAt: at, rule, from: before, to: after } = trial;
  return { id, at, parameter, rule, actor: 'tuner', before, after, outcome: 'OnTrial' };
}
