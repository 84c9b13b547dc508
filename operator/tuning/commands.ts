import { Duration } from '../api/duration.js';
import { tunableParameters, type Proposal, type TunableParameter } from '../api/tuning-status.js';
import { changeOf, readyToApply } from './act.js';
import { apply } from './change.js';
import { amend, isoOf, record, ruleOf, type Draft, type TuningCommand } from './draft.js';

/** What became of a command. */
export interface CommandAnswer {
  /** Of the command. */
  readonly uid: string;
  readonly accepted: boolean;
  readonly message: string;
}

/**
 * Carries out approve and reject. A command that was carried out before is accepted again and changes nothing. One that
 * cannot be judged yet has no answer; it is to be asked again.
 */
export function answerCommands(draft: Draft): CommandAnswer[] {
  return (draft.input.commands ?? []).flatMap((command) => answer(draft, command) ?? []);
}

function answer(draft: Draft, command: TuningCommand): CommandAnswer | undefined {
  const open = tunableParameters
    .map((parameter) => ({ parameter, state: draft.parameters[parameter].state }))
    .find(({ state }) => state.phase === 'Proposed' && state.proposal.id === command.proposal);
  if (open?.state.phase !== 'Proposed') return answerClosed(draft, command);
  return command.action === 'approve'
    ? approve(draft, command, open.parameter, open.state.proposal)
    : reject(draft, command, open.parameter, open.state.proposal);
}

function approve(
  draft: Draft,
  command: TuningCommand,
  parameter: TunableParameter,
  proposal: Proposal,
): CommandAnswer | undefined {
  if (draft.parameters[parameter].mode !== 'Approve') {
    return refused(command, `${parameter} is in mode ${draft.parameters[parameter].mode}; expected Approve`);
  }
  const rule = ruleOf(draft, proposal.rule);
  const state = rule && draft.rules[rule.id]?.state;
  if (state === 'NoData') return unlessJustAsked(draft, command, proposal.rule);
  if (rule === undefined || state !== 'Firing') {
    return refused(command, `rule ${proposal.rule} does not ask for it any more`);
  }
  const change = changeOf(draft, rule);
  if (typeof change === 'string') return refused(command, change);
  if (change.to !== proposal.to) return refused(command, `it would now go to ${change.to}`);
  const before = readyToApply(draft, rule);
  if (typeof before === 'string') return refused(command, before);
  apply(draft, change, before, { id: proposal.id, actor: command.by });
  return accepted(command, `${parameter} goes from ${proposal.from} to ${proposal.to}, on trial`);
}

/** An operator that has just started has no samples, which must not decide what a person asked for: it waits for them. */
function unlessJustAsked(draft: Draft, command: TuningCommand, rule: string): CommandAnswer | undefined {
  if (draft.view.now - command.askedAt < draft.input.staleAfterMs) return undefined;
  return refused(command, `rule ${rule} has no fresh metrics to judge by; approve again when it has`);
}

function reject(
  draft: Draft,
  command: TuningCommand,
  parameter: TunableParameter,
  proposal: Proposal,
): CommandAnswer {
  const coolDown = ruleOf(draft, proposal.rule)?.coolDown ?? '0s';
  record(draft, {
    id: proposal.id,
    at: draft.at,
    parameter,
    rule: proposal.rule,
    actor: command.by,
    before: proposal.from,
    after: proposal.from,
    evidence: proposal.evidence,
    outcome: 'Rejected',
    settledAt: draft.at,
  });
  const until = isoOf(draft.view.now + Duration.parse(coolDown).milliseconds);
  amend(draft, parameter, { state: { phase: 'CoolingDown', until } });
  return accepted(command, `${parameter} stays at ${proposal.from}`);
}

function answerClosed(draft: Draft, command: TuningCommand): CommandAnswer {
  const past = draft.adjustments.find(({ id }) => id === command.proposal);
  if (past === undefined)
    return refused(command, 'no such proposal is open; it has expired or was withdrawn');
  const was = past.outcome === 'Rejected' ? 'reject' : 'approve';
  return was === command.action
    ? accepted(command, `done already; outcome ${past.outcome}`)
    : refused(command, `it was decided already; outcome ${past.outcome}`);
}

function accepted({ uid }: TuningCommand, message: string): CommandAnswer {
  return { uid, accepted: true, message };
}

function refused({ uid }: TuningCommand, message: string): CommandAnswer {
  return { uid, accepted: false, message };
}
