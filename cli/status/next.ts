import type { ActionName } from '../../operator/api/memory-action.js';
import type { RolloutState, RolloutStatus, Run } from '../../operator/api/rollout-status.js';
import { tunableParameters, type TuningStatus } from '../../operator/api/tuning-status.js';
import { revisionOf, templateOf } from '../../operator/cluster/revision.js';
import { legalCommands } from '../../operator/rollout/commands.js';
import { stepOf } from '../../operator/rollout/transitions.js';
import { relative } from '../output/time.js';
import type { Stored } from '../resources/access.js';

type Cluster = Stored<'MemoryCluster'>;

/** The commands that the operator would accept now, proposals aside. */
export function legalNow({ spec, status }: Cluster): ActionName[] {
  return status?.rollout === undefined ? [] : legalCommands(status.rollout, spec);
}

/**
 * What happens next and when, by itself or by whom.
 * @param now epoch milliseconds
 */
export function nextOf(cluster: Cluster, now: number): string[] {
  const { status, metadata } = cluster;
  if (status === undefined || status.observedGeneration < metadata.generation) {
    return ['the operator reads the spec'];
  }
  return [...rolloutNext(cluster, status.rollout, now), ...tuningNext(status.tuning, now)];
}

function rolloutNext(cluster: Cluster, rollout: RolloutStatus | undefined, now: number): string[] {
  if (rollout === undefined) return ['the first revision starts'];
  if (rollout.run === undefined) return [atRest(cluster, rollout)];
  return sentences[rollout.state]({ cluster, rollout, run: rollout.run, now });
}

function atRest({ spec }: Cluster, rollout: RolloutStatus): string {
  const wanted = revisionOf(templateOf(spec));
  if (wanted === rollout.stableRevision) return 'nothing, until the spec changes';
  if (rollout.rejectedRevisions.some(({ revision }) => revision === wanted)) {
    return `nothing: the wanted revision ${wanted} was rolled back; change the spec, or retry`;
  }
  return spec.rollout.paused
    ? `nothing: spec.rollout.paused holds revision ${wanted} back`
    : `a canary of revision ${wanted} starts`;
}

interface Moment {
  readonly cluster: Cluster;
  readonly rollout: RolloutStatus;
  readonly run: Run;
  readonly now: number;
}

const sentences: Readonly<Record<RolloutState, (moment: Moment) => string[]>> = {
  Installing: (moment) => ['serves when every service is ready', ...deadline(moment)],
  Stable: () => [],
  Starting: (moment) => [`step 1 begins when the canary is ready and seeded`, ...deadline(moment)],
  Holding: holding,
  Paused: paused,
  RollingBack: ({ run }) => [
    run.gradual ? 'the share goes down step by step, then the canary is drained' : 'the canary is drained',
  ],
  Promoting: (moment) => [
    moment.run.kind === 'Tuning'
      ? 'the canary is drained when stable has adopted the values'
      : `the canary is drained when stable runs revision ${moment.run.revision}`,
    ...deadline(moment),
  ],
  Draining: () => ['the canary goes when every episode of it is in stable'],
  Removing: () => ['the rollout ends when the canary is gone'],
};

function deadline({ run, now }: Moment): string[] {
  return run.deadline === undefined ? [] : [`it counts as stuck ${relative(run.deadline, now)}`];
}

function holding(moment: Moment): string[] {
  const { rollout, run, now } = moment;
  if (run.stepStartedAt === undefined) {
    return [`the hold begins when every gateway serves epoch ${rollout.table.epoch}`, ...deadline(moment)];
  }
  return [
    ...(run.nextCheckAt === undefined ? [] : [`evaluation ${relative(run.nextCheckAt, now)}`]),
    `${afterStep(moment)}${earliest(run.eligibleAt, now)}`,
    ...deadline(moment),
  ];
}

function earliest(eligibleAt: string | undefined, now: number): string {
  const ahead = eligibleAt !== undefined && Date.parse(eligibleAt) > now;
  return ahead ? `, at the earliest ${relative(eligibleAt, now)}` : '';
}

/** What a step leads to when its evaluation passes with samples, sleeps and hold complete. */
function afterStep({ cluster, rollout, run }: Moment): string {
  const { spec } = cluster;
  if (stepOf(spec.rollout, run).gate && !run.gateApproved) return 'then it waits for an approve';
  const next = spec.rollout.steps.find(({ weight }) => weight * 100 > rollout.table.basisPoints);
  if (next !== undefined) return `then the canary gets ${next.weight}% of the keys`;
  return spec.rollout.autoPromote ? 'then it is promoted' : 'then it waits for a promote';
}

function paused(moment: Moment): string[] {
  const { cluster, run, now } = moment;
  const { pause } = run;
  if (pause === undefined) return [];
  const since = `paused ${relative(pause.at, now)}`;
  if (pause.reason === 'Spec') return [`goes on when spec.rollout.paused is false (${since})`];
  const judged = pause.reason === 'Gate' || pause.reason === 'Promotion';
  return [
    `waits for a person: ${legalNow(cluster).join(', ')} (${since})`,
    ...(judged && run.nextCheckAt !== undefined ? [`evaluation ${relative(run.nextCheckAt, now)}`] : []),
  ];
}

function tuningNext(tuning: TuningStatus | undefined, now: number): string[] {
  if (tuning === undefined) return [];
  return tunableParameters.flatMap((name) => {
    const { state } = tuning.parameters[name];
    switch (state.phase) {
      case 'Proposed': {
        const { id, expiresAt } = state.proposal;
        return [`${name}: approve or reject --proposal ${id}, or it expires ${relative(expiresAt, now)}`];
      }
      case 'OnTrial':
        return [`${name}: kept or reverted when enough sleep cycles were measured`];
      case 'OnCanary':
        return [`${name}: adopted or dropped by its canary`];
      case 'CoolingDown':
      case 'Oscillating':
        return [`${name}: tuned again ${relative(state.until, now)}`];
      case 'Off':
      case 'Held':
      case 'Watching':
        return [];
    }
  });
}
