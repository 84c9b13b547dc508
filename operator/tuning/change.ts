import { Duration } from '../api/duration.js';
import type { TuningRule } from '../api/tuning-rules.js';
import type { Estimate, Evidence, Proposal, Trial } from '../api/tuning-status.js';
import { normalCdf } from '../samples/statistics.js';
import { amend, isoOf, nextId, record, type Draft } from './draft.js';
import { changeValue } from './settle.js';

/** A change that a rule asks for, after all limits, with what it is based on. */
export interface Change {
  readonly rule: TuningRule;
  readonly from: number;
  readonly to: number;
  readonly uncapped: number;
  readonly evidence: Evidence;
}

/** Opens a proposal: Recommend and Approve go no further by themselves. */
export function propose(draft: Draft, change: Change): void {
  const { rule, from, to, uncapped, evidence } = change;
  const { min, max } = draft.input.profile.parameters[rule.parameter];
  const ttl = Duration.parse(draft.input.profile.proposalTtl).milliseconds;
  const proposal: Proposal = {
    id: nextId(draft, rule.parameter),
    rule: rule.id,
    from,
    to,
    uncapped,
    lower: min,
    upper: max,
    confidence: confidence(rule, evidence),
    evidence,
    createdAt: draft.at,
    expiresAt: isoOf(draft.view.now + ttl),
  };
  amend(draft, rule.parameter, { state: { phase: 'Proposed', proposal } });
}

/** Who makes a change, under which id. */
export interface Author {
  readonly id: string;
  readonly actor: string;
}

/**
 * Makes a change, as a trial: on stable at once, or first on a canary.
 * @param before what the objective read until now
 */
export function apply(draft: Draft, change: Change, before: Estimate, { id, actor }: Author): void {
  const { rule, from, to, evidence } = change;
  const { parameter } = rule;
  const trial: Trial = {
    adjustment: id,
    rule: rule.id,
    from,
    to,
    startedAt: draft.at,
    measureFrom: draft.at,
    coolDownUntil: isoOf(draft.view.now + Duration.parse(rule.coolDown).milliseconds),
    before,
  };
  draft.recentChanges = [...draft.recentChanges, draft.at];
  record(draft, {
    id,
    at: draft.at,
    parameter,
    rule: rule.id,
    actor,
    before: from,
    after: to,
    evidence,
    outcome: 'OnTrial',
  });
  if (draft.input.profile.scope === 'Stable') {
    changeValue(draft, parameter, change);
    amend(draft, parameter, { state: { phase: 'OnTrial', trial } });
    return;
  }
  draft.tuningGeneration += 1;
  amend(draft, parameter, { state: { phase: 'OnCanary', trial, tuningGeneration: draft.tuningGeneration } });
}

/** Probability that the aggregate is past its threshold, were its noise normal. */
function confidence(rule: TuningRule, { value, standardError, threshold }: Evidence): number {
  const distance = rule.when === 'above' ? value - threshold : threshold - value;
  if (standardError === 0) return distance > 0 ? 1 : 0;
  return normalCdf(distance / standardError);
}
