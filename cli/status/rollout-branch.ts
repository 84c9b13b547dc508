import type { ServiceStatus } from '../../operator/api/memory-cluster.js';
import type { Judgement, RolloutStatus, Run, Verdict } from '../../operator/api/rollout-status.js';
import { stepText, weightText } from '../../operator/rollout/describe.js';
import { stepOf } from '../../operator/rollout/transitions.js';
import { significant } from '../output/table.js';
import { relative, short, span } from '../output/time.js';
import { columns, type Branch } from '../output/tree.js';
import type { Stored } from '../resources/access.js';
import type { View } from './view.js';

type Cluster = Stored<'MemoryCluster'>;

/** Both tracks with their services, the step, and the verdict with its numbers. */
export function rolloutBranch(cluster: Cluster, view: View): Branch[] {
  const { rollout, services = [] } = cluster.status ?? {};
  if (rollout === undefined) return servicesOf('stable', services);
  const share = 10_000 - rollout.table.basisPoints;
  const stable: Branch = {
    text: `stable  revision ${rollout.stableRevision ?? 'none yet'}${rollout.table.canary ? `  ${share / 100}% of the keys` : '  every key'}`,
    children: servicesOf('stable', services),
  };
  const epoch = view.wide ? `  epoch ${rollout.table.epoch}` : '';
  return [
    {
      text: `rollout  ${rollout.state}${epoch}`,
      children: [stable, ...canary(cluster, rollout, view), ...rejected(rollout)],
    },
  ];
}

function servicesOf(wanted: ServiceStatus['track'], services: readonly ServiceStatus[]): Branch[] {
  const rows = services
    .filter(({ track }) => track === wanted)
    .map(({ name, ready, wanted: count, revision, restarts = 0, message }) => [
      `${ready >= count ? '✔' : '✖'} ${name}`,
      `${ready}/${count} ready`,
      revision,
      [...(restarts > 0 ? [`restarts: ${restarts}`] : []), ...(message === undefined ? [] : [message])].join(
        '; ',
      ),
    ]);
  return columns(rows).map((text) => ({ text }));
}

function canary(cluster: Cluster, rollout: RolloutStatus, view: View): Branch[] {
  const { run } = rollout;
  if (run === undefined || rollout.state === 'Installing') return [];
  const { services = [] } = cluster.status ?? {};
  const kind = { Spec: '', Tuning: '  (tuning)', Return: '  (return to a kept revision)' }[run.kind];
  const share = rollout.table.canary ? `  ${weightText(rollout)} of the keys` : '  no key';
  return [
    {
      text: `canary  revision ${run.revision}${share}${kind}`,
      children: [
        ...servicesOf('canary', services),
        ...step(cluster, rollout, run, view),
        ...(run.lastVerdict === undefined ? [] : [verdict(run.lastVerdict, view)]),
        ...ending(run),
      ],
    },
  ];
}

function step(cluster: Cluster, rollout: RolloutStatus, run: Run, { now }: View): Branch[] {
  if (run.kind === 'Return' || run.outcome !== undefined) return [];
  const { weight, hold, minSamples, minSleeps, gate } = stepOf(cluster.spec.rollout, run);
  const wants = [`hold ${hold}`, `${minSamples} samples`, `${minSleeps} sleeps`, ...(gate ? ['a gate'] : [])];
  const times = [
    ...(run.stepStartedAt === undefined ? [] : [`began ${relative(run.stepStartedAt, now)}`]),
    ...(run.eligibleAt === undefined ? [] : [eligible(run.eligibleAt, now)]),
  ];
  const text = `step ${stepText(rollout, cluster.spec.rollout)}  weight ${weight}%: ${wants.join(', ')}`;
  return [{ text: [text, ...times].join('; ') }];
}

function eligible(instant: string, now: number): string {
  const left = Date.parse(instant) - now;
  return left > 0 ? `${span(left)} left, eligible at ${short(instant)}` : `eligible since ${short(instant)}`;
}

const marks: Readonly<Record<Verdict['verdict'], string>> = { pass: '✔', fail: '✖', inconclusive: '?' };

function verdict({ verdict: outcome, at, reasons, metrics }: Verdict, { now, wide }: View): Branch {
  const rows = metrics.map((judgement) => [
    `${marks[judgement.verdict]} ${judgement.metric}${judgement.dryRun === true ? ' (dry run)' : ''}`,
    numbers(judgement),
    wide ? judgement.reason : '',
  ]);
  return {
    text: `verdict  ${outcome} ${relative(at, now)}: ${reasons.join('; ')}`,
    children: columns(rows).map((text) => ({ text })),
  };
}

function numbers({ stable, canary: value, stableSamples, canarySamples, reason }: Judgement): string {
  if (value === undefined) return reason;
  const side = (name: string, number: number, samples: number | undefined) =>
    `${name} ${significant(number)}${samples === undefined ? '' : ` (n=${samples})`}`;
  return [
    ...(stable === undefined ? [] : [side('stable', stable, stableSamples)]),
    side('canary', value, canarySamples),
  ].join(', ');
}

function ending({ outcome, reason, by }: Run): Branch[] {
  if (outcome === undefined) return [];
  const who = by === undefined ? '' : ` by ${by}`;
  return [{ text: `outcome  ${outcome}${who}${reason === undefined ? '' : `: ${reason}`}` }];
}

function rejected({ rejectedRevisions }: RolloutStatus): Branch[] {
  return rejectedRevisions.map(({ revision, at, reason }) => ({
    text: `rejected  ${revision} at ${short(at)}: ${reason}`,
  }));
}
