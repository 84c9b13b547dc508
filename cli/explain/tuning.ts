import type { TuningRule } from '../../operator/api/tuning-rules.js';
import {
  tunableParameters,
  type Adjustment,
  type RuleStatus,
  type TunableParameter,
  type TuningStatus,
} from '../../operator/api/tuning-status.js';
import type { Stored } from '../resources/access.js';
import { significant } from '../output/table.js';
import { relative, short } from '../output/time.js';
import { standing } from '../status/tuning-branch.js';
import { section, type Reader } from './section.js';

/** For each parameter why it was changed, or why not: its state, each of its rules with the numbers, the last change. */
export function tuningText(
  { spec, status }: Stored<'MemoryCluster'>,
  profile: Stored<'TuningProfile'> | undefined,
  reader: Reader,
): string {
  const wanted = spec.tuningProfileRef?.name;
  if (wanted === undefined) return section('TUNING', ['none: spec.tuningProfileRef is not set']);
  if (profile === undefined) return section('TUNING', [`none: there is no TuningProfile ${wanted}`]);
  const { tuning } = status ?? {};
  if (tuning === undefined) return section('TUNING', [`profile ${wanted} was not evaluated yet`]);
  const frozen =
    status?.conditions.filter(({ type }) => ['TuningFrozen', 'MetricsStale'].includes(type)) ?? [];
  return section(`TUNING  profile ${wanted}, evaluated ${relative(tuning.evaluatedAt, reader.now)}`, [
    ...frozen.map(({ type, message }) => `${type}: ${message}`),
    ...tunableParameters.flatMap((name) => parameterLines(name, tuning, { profile, reader })),
  ]);
}

interface Context {
  readonly profile: Stored<'TuningProfile'>;
  readonly reader: Reader;
}

function parameterLines(
  name: TunableParameter,
  tuning: TuningStatus,
  { profile, reader }: Context,
): string[] {
  const { value, source, mode } = tuning.parameters[name];
  const { min, max } = profile.spec.parameters[name];
  const last = tuning.adjustments.findLast(({ parameter }) => parameter === name);
  return [
    `${name} = ${significant(value)} (${source}, within ${significant(min)} to ${significant(max)}, mode ${mode}): ${standing(tuning.parameters[name], reader)}`,
    ...profile.spec.rules
      .filter(({ parameter }) => parameter === name)
      .map((rule) => `  ${ruleLine(rule, tuning.rules[rule.id], reader)}`),
    ...(last === undefined ? [] : [`  last change at ${short(last.at)}: ${adjustmentText(last)}`]),
  ];
}

function ruleLine(rule: TuningRule, status: RuleStatus | undefined, { now }: Reader): string {
  const { id, aggregate, metric, when, enter, exit } = rule;
  const asks = `acts when ${aggregate} of ${metric} is ${when} ${significant(enter)}, lets go at ${significant(exit)}`;
  if (status === undefined) return `${id}: not evaluated; ${asks}`;
  const { state, since, value, reason, exhausted } = status;
  const facts = [
    ...(value === undefined ? [] : [`now ${significant(value)}`]),
    ...(state === 'Pending' ? [`must hold for ${rule.for}`] : []),
    ...(reason === undefined ? [] : [state === 'Firing' ? `does not act: ${reason}` : reason]),
    ...(exhausted === undefined
      ? []
      : [
          `acting at ${significant(exhausted.value)} gained nothing; again ${relative(exhausted.until, now)} or when worse`,
        ]),
  ];
  return `${id}: ${state} since ${short(since)}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}; ${asks}`;
}

/** One adjustment in one line: values, rule, evidence, who, and whether it helped. */
export function adjustmentText(adjustment: Adjustment): string {
  const { before, after, rule, actor, outcome } = adjustment;
  const who = actor === 'tuner' ? '' : ` (${actor})`;
  const change = `${significant(before)} → ${significant(after)} by ${rule}${who}`;
  const { objective, evidence } = adjustment;
  const why =
    evidence === undefined
      ? ''
      : `, because ${evidence.metric} was ${significant(evidence.value)} against ${significant(evidence.threshold)}`;
  const effect =
    objective?.after === undefined
      ? ''
      : `; ${objective.metric} ${significant(objective.before.value)} → ${significant(objective.after.value)}`;
  return `${change}${why}; ${outcome}${effect}`;
}
