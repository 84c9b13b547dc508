import { tunableParameters, type TunableParameter } from '../api/tuning-status.js';
import { amend, nextId, record, trialOf, type Draft } from './draft.js';
import { settle } from './settle.js';
import { limitRange } from './value.js';

/** What people say of a parameter wins before anything is measured: mode, pin, spec, range. */
export function heedPeople(draft: Draft): void {
  for (const parameter of tunableParameters) {
    const { mode, source } = draft.parameters[parameter];
    if (source === 'Pin' || source === 'Spec') hold(draft, parameter, source);
    else if (mode === 'Off') switchOff(draft, parameter);
    else resume(draft, parameter);
  }
}

/** During a freeze nothing is evidence: what is measured belongs to something else. */
export function suspendEvidence(draft: Draft): void {
  for (const parameter of tunableParameters) {
    const { state } = draft.parameters[parameter];
    amend(draft, parameter, { evidenceFrom: draft.at });
    if (state.phase === 'OnTrial') {
      amend(draft, parameter, { state: { ...state, trial: { ...state.trial, measureFrom: draft.at } } });
    }
  }
}

/** Ends what has run out: cool-downs, freezes for oscillation, proposals. */
export function endWaits(draft: Draft): void {
  const { now } = draft.view;
  for (const parameter of tunableParameters) {
    const { state } = draft.parameters[parameter];
    const over =
      (state.phase === 'CoolingDown' && now >= Date.parse(state.until)) ||
      (state.phase === 'Oscillating' && now >= Date.parse(state.until)) ||
      (state.phase === 'Proposed' && now >= Date.parse(state.proposal.expiresAt));
    if (over) amend(draft, parameter, { state: { phase: 'Watching' } });
  }
}

function hold(draft: Draft, parameter: TunableParameter, by: 'Pin' | 'Spec'): void {
  const trial = trialOf(draft.parameters[parameter].state);
  interrupt(draft, parameter);
  amend(draft, parameter, {
    state: { phase: 'Held', by },
    evidenceFrom: draft.at,
    // A value that was only on trial must not come back when the hold ends.
    ...(trial !== undefined && { tuned: trial.from }),
  });
}

function switchOff(draft: Draft, parameter: TunableParameter): void {
  interrupt(draft, parameter);
  amend(draft, parameter, { state: { phase: 'Off' } });
}

function resume(draft: Draft, parameter: TunableParameter): void {
  const { state } = draft.parameters[parameter];
  if (state.phase === 'Off' || state.phase === 'Held') {
    amend(draft, parameter, { state: { phase: 'Watching' }, evidenceFrom: draft.at });
  }
  keepInRange(draft, parameter);
}

/** A range that was narrowed holds for the tuned value at once. */
function keepInRange(draft: Draft, parameter: TunableParameter): void {
  const { value, source } = draft.parameters[parameter];
  const spec = draft.input.profile.parameters[parameter];
  const to = limitRange(value, { spec, parameter });
  if (source !== 'Tuner' || to === value || draft.input.frozen !== undefined) return;
  interrupt(draft, parameter);
  amend(draft, parameter, { value: to, tuned: to, evidenceFrom: draft.at });
  record(draft, {
    id: nextId(draft, parameter),
    at: draft.at,
    parameter,
    rule: 'range',
    actor: 'tuner',
    before: value,
    after: to,
    outcome: 'Bounded',
    settledAt: draft.at,
  });
}

function interrupt(draft: Draft, parameter: TunableParameter): void {
  const trial = trialOf(draft.parameters[parameter].state);
  if (trial !== undefined) settle(draft, parameter, trial, { outcome: 'Interrupted' });
}
