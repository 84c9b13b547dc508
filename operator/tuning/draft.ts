import type { TuningProfileSpec } from '../api/tuning-profile.js';
import type { TuningRule } from '../api/tuning-rules.js';
import {
  tunableParameters,
  type Adjustment,
  type ParameterSource,
  type ParameterState,
  type ParameterTuning,
  type RuleStatus,
  type Trial,
  type TunableParameter,
  type TuningStatus,
} from '../api/tuning-status.js';
import { recorded } from './history.js';
import { oscillationWindow, recentReversals } from './oscillation.js';
import type { Reading, TuningSamples, View } from './reading.js';

/** An effective value, from the precedence rule of the cluster. */
export interface EffectiveValue {
  readonly value: number;
  readonly source: ParameterSource;
}

/** Approve or reject of a proposal, by a person. */
export interface TuningCommand {
  /** Of the MemoryAction. */
  readonly uid: string;
  readonly action: 'approve' | 'reject';
  /** Id of the proposal. */
  readonly proposal: string;
  readonly by: string;
  /** When it was asked for, Unix milliseconds. */
  readonly askedAt: number;
}

/** All that a decision depends on. */
export interface TuneInput {
  readonly profile: TuningProfileSpec;
  readonly samples: TuningSamples;
  readonly effective: Readonly<Record<TunableParameter, EffectiveValue>>;
  /** What the last evaluation returned; undefined for a cluster that was never tuned. */
  readonly status: TuningStatus | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  /** `monitoring.staleAfter` of the cluster, in milliseconds. */
  readonly staleAfterMs: number;
  /** Why nothing may change now: a rollout of a spec, a restore. A rollout of kind Tuning is no reason. */
  readonly frozen?: string;
  readonly commands?: readonly TuningCommand[];
  /** How the rollout of this tuning generation ended. */
  readonly canary?: {
    readonly tuningGeneration: number;
    readonly outcome: 'Promoted' | 'RolledBack' | 'Superseded';
  };
}

/** Status under construction: the steps of one evaluation write here, and it becomes status in one place at the end. */
export interface Draft {
  readonly input: TuneInput;
  readonly view: View;
  /** Now, as RFC 3339 text. */
  readonly at: string;
  readonly parameters: Record<TunableParameter, ParameterTuning>;
  readonly rules: Record<string, RuleStatus>;
  readonly readings: Map<string, Reading>;
  /** Adjustments made or settled by this evaluation. */
  readonly touched: Map<string, Adjustment>;
  adjustments: readonly Adjustment[];
  recentChanges: readonly string[];
  sequence: number;
  tuningGeneration: number;
}

/** Takes over what is remembered and what is observed. */
export function beginDraft(input: TuneInput): Draft {
  const { samples, now, staleAfterMs, status } = input;
  const parameters = Object.fromEntries(
    tunableParameters.map((parameter) => [parameter, observed(input, parameter)]),
  ) as Record<TunableParameter, ParameterTuning>;
  return {
    input,
    view: { samples, now, staleAfterMs },
    at: isoOf(now),
    parameters,
    rules: {},
    readings: new Map(),
    touched: new Map(),
    adjustments: status?.adjustments ?? [],
    recentChanges: status?.recentChanges ?? [],
    sequence: status?.sequence ?? 0,
    tuningGeneration: status?.tuningGeneration ?? 0,
  };
}

function observed(input: TuneInput, parameter: TunableParameter): ParameterTuning {
  const { profile, effective, status, now } = input;
  const { value, source } = effective[parameter];
  const spec = profile.parameters[parameter];
  const previous = status?.parameters[parameter] ?? {
    state: { phase: 'Watching' } as const,
    reversals: [],
    origin: spec.start ?? value,
  };
  return {
    ...previous,
    value,
    source,
    mode: spec.mode ?? profile.mode,
    origin: source === 'Tuner' ? previous.origin : value,
    reversals: recentReversals(previous.reversals, now, oscillationWindow(profile.rules, parameter)),
  };
}

/** The status that a draft has become. */
export function statusOf(draft: Draft): TuningStatus {
  const { at, parameters, rules, adjustments, recentChanges, sequence, tuningGeneration } = draft;
  return { evaluatedAt: at, sequence, tuningGeneration, parameters, rules, recentChanges, adjustments };
}

/** Changes what is known of a parameter. */
export function amend(draft: Draft, parameter: TunableParameter, change: Partial<ParameterTuning>): void {
  draft.parameters[parameter] = { ...draft.parameters[parameter], ...change };
}

/** Writes an adjustment into the history, in the place of the one with its id. */
export function record(draft: Draft, adjustment: Adjustment): void {
  draft.adjustments = recorded(draft.adjustments, adjustment);
  draft.touched.set(adjustment.id, adjustment);
}

/** The next id of a proposal or adjustment of a parameter: the same again when an evaluation is repeated. */
export function nextId(draft: Draft, parameter: TunableParameter): string {
  draft.sequence += 1;
  return `${parameter}-${draft.sequence}`;
}

/** The change that is in flight in a state. */
export function trialOf(state: ParameterState): Trial | undefined {
  return state.phase === 'OnTrial' || state.phase === 'OnCanary' ? state.trial : undefined;
}

export function ruleOf(draft: Draft, id: string): TuningRule | undefined {
  return draft.input.profile.rules.find((rule) => rule.id === id);
}

/** Exclusion group of a rule; a rule without one excludes only its parameter. */
export function groupOf(rule: TuningRule): string {
  return rule.group ?? rule.parameter;
}

/** RFC 3339 text of epoch milliseconds. */
export function isoOf(instant: number): string {
  return new Date(instant).toISOString();
}
