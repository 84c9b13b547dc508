import type { RolloutStatus, Run } from '../../operator/api/rollout-status.js';
import type { ActionName } from '../../operator/api/memory-action.js';
import { describe } from '../../operator/rollout/describe.js';
import { stepOf } from '../../operator/rollout/transitions.js';
import type { Stored } from '../resources/access.js';
import { actionTexts } from '../action-texts.js';
import { significant, table } from '../output/table.js';
import { relative } from '../output/time.js';
import { columns } from '../output/tree.js';
import { legalNow, nextOf } from '../status/next.js';
import { section, type Reader } from './section.js';
import { tuningText } from './tuning.js';

/** Why a cluster is where it is: the last verdict metric by metric, what it waits for, what a person may do, the tuner's reasons. */
export function explanation(
  cluster: Stored<'MemoryCluster'>,
  profile: Stored<'TuningProfile'> | undefined,
  reader: Reader,
): string {
  const { rollout } = cluster.status ?? {};
  const name = cluster.metadata.name;
  if (rollout === undefined) return `${name}: nothing was decided yet${reasonOf(cluster)}`;
  const { run } = rollout;
  return [
    `${name}: ${rollout.state}: ${describe(cluster.spec.rollout, rollout)}`,
    ...(run?.lastVerdict === undefined ? [] : [verdict(cluster, run)]),
    section('NEXT', nextOf(cluster, reader.now)),
    commands(cluster, rollout, reader),
    tuningText(cluster, profile, reader),
  ].join('\n\n');
}

function reasonOf({ status }: Stored<'MemoryCluster'>): string {
  const ready = status?.conditions.find(({ type }) => type === 'Ready');
  return ready === undefined ? '; no operator has seen it' : `: ${ready.reason}: ${ready.message}`;
}

function verdict({ spec }: Stored<'MemoryCluster'>, run: Run): string {
  const { analysis } = spec.rollout;
  const { verdict: outcome, at, reasons, metrics } = run.lastVerdict!;
  const limits = new Map(analysis.metrics.map((metric) => [metric.name, metric]));
  const number = (value: number | undefined) => (value === undefined ? '-' : significant(value));
  const side = (value: number | undefined, samples: number | undefined) =>
    value === undefined ? '-' : `${significant(value)} (n=${number(samples)})`;
  const rows = metrics.map((judgement) => [
    judgement.metric,
    judgement.dryRun === true ? `${judgement.verdict} (dry run)` : judgement.verdict,
    side(judgement.stable, judgement.stableSamples),
    side(judgement.canary, judgement.canarySamples),
    judgement.lower === undefined ? '-' : `${number(judgement.lower)} to ${number(judgement.upper)}`,
    number(limits.get(judgement.metric)?.tolerance),
    number(limits.get(judgement.metric)?.limit),
    judgement.reason,
  ]);
  const headings = ['metric', 'verdict', 'stable', 'canary', 'worse by', 'tolerance', 'limit', 'because'];
  const waits = reasons.filter((reason) => reason.startsWith('waits: '));
  return [
    section(`LAST VERDICT  ${outcome} at ${at}, confidence ${100 * analysis.confidence} %`, [
      ...reasons.filter((reason) => !waits.includes(reason)),
      ...table(headings, rows).split('\n'),
    ]),
    ...(waits.length === 0
      ? []
      : [
          section(
            'WAITS',
            waits.map((reason) => reason.slice('waits: '.length)),
          ),
        ]),
    budget(spec.rollout.analysis.failureBudget, run),
    thresholds(stepOf(spec.rollout, run)),
  ].join('\n\n');
}

function budget(
  limit: { readonly window: string; readonly ratio: number; readonly consecutive: number },
  { budget: buckets, consecutiveFailures, consecutiveInconclusive, consecutiveProviderErrors }: Run,
): string {
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const total = buckets.reduce((sum, bucket) => sum + bucket.failed + bucket.passed, 0);
  return section('FAILURE BUDGET', [
    `${failed} of ${total} evaluations within ${limit.window} failed; more than ${100 * limit.ratio} % fail the step`,
    `${consecutiveFailures} failed in a row; ${limit.consecutive} fail the step`,
    `${consecutiveInconclusive} inconclusive in a row, ${consecutiveProviderErrors} without usable samples; these never fail it`,
  ]);
}

function thresholds(step: ReturnType<typeof stepOf>): string {
  const { weight, hold, minSamples, minSleeps, gate } = step;
  return section('STEP', [
    `weight ${weight}%: passes after ${hold}, ${minSamples} samples and ${minSleeps} sleeps on the canary${gate ? ', and an approve' : ''}`,
  ]);
}

function commands(
  cluster: Stored<'MemoryCluster'>,
  { handled }: RolloutStatus,
  { self, now }: Reader,
): string {
  const legal = legalNow(cluster);
  const [last] = handled;
  const row = (action: ActionName) => [
    `${self} ${action} ${cluster.metadata.name} --reason "…"`,
    actionTexts[action],
  ];
  return section('COMMANDS NOW', [
    ...(legal.length === 0 ? ['none is legal in this state'] : columns(legal.map(row))),
    ...(last === undefined
      ? []
      : [`last: ${last.action} by ${last.by} ${relative(last.at, now)}: ${last.outcome}: ${last.message}`]),
  ]);
}
