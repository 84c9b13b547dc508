import type { Statement } from '../api/conditions.js';
import {
  tunableParameters,
  type Adjustment,
  type Proposal,
  type TunableParameter,
  type TuningStatus,
} from '../api/tuning-status.js';
import { act } from './act.js';
import { answerCommands, type CommandAnswer } from './commands.js';
import { tuningConditions } from './conditions.js';
import { beginDraft, statusOf, type Draft, type TuneInput } from './draft.js';
import { read } from './reading.js';
import { nextRuleStatus } from './rule-state.js';
import { settleTrials } from './settle.js';
import { endWaits, heedPeople, suspendEvidence } from './standing.js';

export type { TuneInput, TuningCommand } from './draft.js';
export type { TuningSamples } from './reading.js';

/** What one evaluation leads to. */
export interface TuneResult {
  /** To be stored; `parameters[…].tuned` are the values to bring into force. */
  readonly status: TuningStatus;
  /** Made or settled by this evaluation: each is to be an Event, a metric and a line in the log. */
  readonly adjustments: readonly Adjustment[];
  /** Open now. */
  readonly proposals: readonly (Proposal & { readonly parameter: TunableParameter })[];
  /** The change that has to run on a canary now; a level, the same until its outcome is known. */
  readonly canary?: {
    readonly tuningGeneration: number;
    readonly parameters: Readonly<Partial<Record<TunableParameter, number>>>;
  };
  readonly answers: readonly CommandAnswer[];
  /** Those that are true. */
  readonly conditions: readonly Statement[];
}

/**
 * One evaluation of the tuner for one cluster: people first, then what is measured, then what follows from it.
 * Pure: the result depends on the input alone, and all memory is in `status`, so that a tuner which is killed between
 * any two evaluations goes on as if it had not been.
 */
export function tune(input: TuneInput): TuneResult {
  const draft = beginDraft(input);
  heedPeople(draft);
  if (input.frozen !== undefined) suspendEvidence(draft);
  evaluateRules(draft);
  settleTrials(draft);
  endWaits(draft);
  const answers = answerCommands(draft);
  act(draft);
  return { ...report(draft), answers };
}

function evaluateRules(draft: Draft): void {
  const { profile, status, staleAfterMs, now } = draft.input;
  const lastEvaluation = status === undefined ? undefined : Date.parse(status.evaluatedAt);
  for (const rule of profile.rules) {
    const { state, evidenceFrom } = draft.parameters[rule.parameter];
    if (state.phase === 'Off' || state.phase === 'Held') continue;
    const from = evidenceFrom === undefined ? undefined : Date.parse(evidenceFrom);
    const reading = read(rule, draft.view, from);
    const moment = { now, lastEvaluation, staleAfterMs };
    draft.readings.set(rule.id, reading);
    draft.rules[rule.id] = nextRuleStatus(rule, reading, status?.rules[rule.id], moment);
  }
}

function report(draft: Draft): Omit<TuneResult, 'answers'> {
  const proposals = tunableParameters.flatMap((parameter) => {
    const { state } = draft.parameters[parameter];
    return state.phase === 'Proposed' ? [{ parameter, ...state.proposal }] : [];
  });
  const canaries = tunableParameters.flatMap((parameter) => {
    const { state } = draft.parameters[parameter];
    if (state.phase !== 'OnCanary') return [];
    return [{ tuningGeneration: state.tuningGeneration, parameters: { [parameter]: state.trial.to } }];
  });
  return {
    status: statusOf(draft),
    adjustments: [...draft.touched.values()],
    proposals,
    ...(canaries[0] !== undefined && { canary: canaries[0] }),
    conditions: tuningConditions(draft),
  };
}
