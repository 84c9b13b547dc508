import { Duration } from '../api/duration.js';
import type { TuningRule } from '../api/tuning-rules.js';
import { tunableParameters, type Estimate, type TunableParameter } from '../api/tuning-status.js';
import { apply, propose, type Change } from './change.js';
import { amend, groupOf, isoOf, nextId, ruleOf, trialOf, type Draft } from './draft.js';
import { directionOf, oscillatingUntil, oscillationWindow } from './oscillation.js';
import { newest, read } from './reading.js';
import { isHolding } from './rule-state.js';
import { objectiveQuery } from './trial.js';
import { nextValue } from './value.js';

/** Lets the rules that fire do what the modes allow, the most important first. */
export function act(draft: Draft): void {
  const winners = tunableParameters
    .map((parameter) => winner(draft, parameter))
    .filter((rule) => rule !== undefined)
    .sort((a, b) => b.priority - a.priority);
  for (const rule of winners) {
    const { phase } = draft.parameters[rule.parameter].state;
    if (phase === 'Proposed') withdrawUnless(draft, rule);
    if (draft.parameters[rule.parameter].state.phase === 'Watching') attempt(draft, rule);
  }
  withdrawLetGo(draft);
}

/**
 * The rule that speaks for a parameter: the one with the highest priority among those that hold. It wins even while
 * its own hold time runs or it cannot act: its opposite would only make things worse.
 */
function winner(draft: Draft, parameter: TunableParameter): TuningRule | undefined {
  const [first] = draft.input.profile.rules
    .filter((rule) => rule.parameter === parameter && isHeld(draft, rule))
    .sort((a, b) => b.priority - a.priority);
  return first !== undefined && draft.rules[first.id]?.state === 'Firing' ? first : undefined;
}

function isHeld(draft: Draft, rule: TuningRule): boolean {
  const status = draft.rules[rule.id];
  return status !== undefined && isHolding(status);
}

function attempt(draft: Draft, rule: TuningRule): void {
  const change = changeOf(draft, rule);
  const reason = typeof change === 'string' ? change : refusal(draft, rule);
  if (reason !== undefined || typeof change === 'string') {
    explain(draft, rule, reason ?? '');
    return;
  }
  if (freezeOscillation(draft, change)) return;
  if (draft.parameters[rule.parameter].mode === 'Auto') applyOrExplain(draft, change);
  else propose(draft, change);
}

function applyOrExplain(draft: Draft, change: Change): void {
  const before = readyToApply(draft, change.rule);
  if (typeof before === 'string') explain(draft, change.rule, before);
  else apply(draft, change, before, { id: nextId(draft, change.rule.parameter), actor: 'tuner' });
}

/** The change that a rule asks for now, or why there is none. */
export function changeOf(draft: Draft, rule: TuningRule): Change | string {
  const { parameter, enter, metric, aggregate } = rule;
  const reading = draft.readings.get(rule.id);
  if (reading?.kind !== 'value') return `${metric} cannot be read`;
  const { value: from, origin } = draft.parameters[parameter];
  const next = nextValue(rule, { parameter, spec: draft.input.profile.parameters[parameter], from, origin });
  if (next === undefined) return 'the parameter is at its limit for this rule';
  const heldSince = draft.rules[rule.id]?.since ?? draft.at;
  return {
    rule,
    from,
    ...next,
    evidence: { metric, aggregate, ...reading.estimate, threshold: enter, heldSince },
  };
}

/** Why a rule that fires must not even propose. */
function refusal(draft: Draft, rule: TuningRule): string | undefined {
  if (draft.input.frozen !== undefined) return draft.input.frozen;
  const exhausted = draft.rules[rule.id]?.exhausted;
  if (exhausted !== undefined) return `acting at ${exhausted.value} gained nothing`;
  if (rule.skipBelow === undefined) return undefined;
  const inUse = newest(rule.skipBelow, draft.view);
  if (inUse === undefined) return `${rule.skipBelow} cannot be read`;
  const { value } = draft.parameters[rule.parameter];
  return inUse < value ? `${rule.skipBelow} is ${inUse}, below the value ${value}` : undefined;
}

/** What the objective reads now, or why a change cannot be made at this moment. */
export function readyToApply(draft: Draft, rule: TuningRule): Estimate | string {
  const { profile, frozen } = draft.input;
  const other = changeInTheWay(draft, rule);
  if (frozen !== undefined) return frozen;
  if (other !== undefined) return `a change of ${other} is on trial`;
  if (changesLeft(draft) === 0) {
    return `the rate limit of ${profile.rateLimit.changes} changes in ${profile.rateLimit.per} is reached`;
  }
  const { evidenceFrom } = draft.parameters[rule.parameter];
  const from = evidenceFrom === undefined ? undefined : Date.parse(evidenceFrom);
  const before = read(objectiveQuery(rule), draft.view, from);
  return before.kind === 'value' ? before.estimate : `its objective cannot be measured: ${before.reason}`;
}

/** One change in flight in an exclusion group, and one canary in all. */
function changeInTheWay(draft: Draft, rule: TuningRule): TunableParameter | undefined {
  return tunableParameters.find((parameter) => {
    const { state } = draft.parameters[parameter];
    const trial = trialOf(state);
    if (trial === undefined) return false;
    const group = groupOf(ruleOf(draft, trial.rule) ?? { ...rule, group: parameter });
    return (
      group === groupOf(rule) || (state.phase === 'OnCanary' && draft.input.profile.scope === 'CanaryFirst')
    );
  });
}

function changesLeft(draft: Draft): number {
  const { changes, per } = draft.input.profile.rateLimit;
  const since = draft.view.now - Duration.parse(per).milliseconds;
  draft.recentChanges = draft.recentChanges.filter((at) => Date.parse(at) > since);
  return Math.max(0, changes - draft.recentChanges.length);
}

function freezeOscillation(draft: Draft, { rule, from, to }: Change): boolean {
  const { parameter } = rule;
  const windowMs = oscillationWindow(draft.input.profile.rules, parameter);
  const until = oscillatingUntil(draft.parameters[parameter], directionOf(from, to), windowMs);
  if (until === undefined) return false;
  amend(draft, parameter, { state: { phase: 'Oscillating', until: isoOf(until) } });
  explain(draft, rule, 'the parameter has turned too often');
  return true;
}

/** A proposal stands only for the rule and the values that it was made of. */
function withdrawUnless(draft: Draft, rule: TuningRule): void {
  const { state, mode } = draft.parameters[rule.parameter];
  if (state.phase !== 'Proposed') return;
  const change = changeOf(draft, rule);
  const same =
    typeof change !== 'string' && rule.id === state.proposal.rule && change.to === state.proposal.to;
  if (!same || mode === 'Auto') amend(draft, rule.parameter, { state: { phase: 'Watching' } });
}

/** Nobody needs a proposal whose rule has let go; one whose metric is missing stays until it expires. */
function withdrawLetGo(draft: Draft): void {
  for (const parameter of tunableParameters) {
    const { state } = draft.parameters[parameter];
    if (state.phase === 'Proposed' && (draft.rules[state.proposal.rule]?.state ?? 'Idle') === 'Idle') {
      amend(draft, parameter, { state: { phase: 'Watching' } });
    }
  }
}

function explain(draft: Draft, { id }: TuningRule, reason: string): void {
  const status = draft.rules[id];
  if (status !== undefined) draft.rules[id] = { ...status, reason };
}
