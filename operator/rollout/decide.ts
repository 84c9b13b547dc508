import { revisionOf, templateOf } from '../cluster/revision.js';
import type { RevisionTemplate, RolloutState, RolloutStatus } from '../api/rollout-status.js';
import { hold, paused, starting } from './forward.js';
import { intentsOf, type Intent } from './intents.js';
import type { Observation } from './observation.js';
import { draining, promoting, removing, rollingBack } from './leaving.js';
import { begin, finish, isRunning, rollBack, type Moment, type Running } from './transitions.js';
import type { Wish } from './wish.js';

/** A decision is a value: the status to store first, then what has to be brought about. */
export interface Decision {
  readonly status: RolloutStatus;
  readonly intents: readonly Intent[];
}

/** Whether a new spec is on its way to stable; tuning is frozen meanwhile. A tuning canary does not count. */
export function rolloutInProgress(status: RolloutStatus | undefined): boolean {
  return status?.run !== undefined && status.run.kind !== 'Tuning';
}

/**
 * The rollout's next status: at most one transition, so that each is one write. Called again with the same arguments
 * and the status it gave, it goes on to the next transition or changes nothing. It reads no clock and no metric.
 * @param status undefined for a cluster that was never reconciled
 */
export function decide(
  wish: Wish,
  status: RolloutStatus | undefined,
  observation: Observation,
  now: Date,
): Decision {
  const moment: Moment = { rollout: wish.spec.rollout, now };
  const template = templateOf(wish.spec);
  const wanted: Wanted = { template, revision: revisionOf(template), wish };
  const next = step(wanted, status ?? install(wanted, moment), observation, moment);
  // While the sleeps cannot be counted, forcing more of them would never end.
  const counted = observation.step.error === undefined;
  const intents = intentsOf(moment.rollout, next).filter(({ type }) => counted || type !== 'forceSleep');
  return { status: next, intents };
}

interface Wanted {
  readonly revision: string;
  readonly template: RevisionTemplate;
  readonly wish: Wish;
}

/**
 * Epochs count from the second of the installation. A vault whose volume was kept refuses every write that carries an older
 * epoch than it has seen: so a cluster of the name that was there before, or a status that was lost, does no harm.
 */
function install({ revision, template }: Wanted, moment: Moment): RolloutStatus {
  const epoch = Math.floor(moment.now.getTime() / 1000);
  const empty: RolloutStatus = {
    state: 'Installing',
    table: { epoch, basisPoints: 0, canary: false },
    revisions: [{ revision, template }],
    rejectedRevisions: [],
    history: [],
    handled: [],
  };
  return { ...begin(empty, { kind: 'Spec', revision }, moment), state: 'Installing' };
}

function step(
  wanted: Wanted,
  status: RolloutStatus,
  observation: Observation,
  moment: Moment,
): RolloutStatus {
  const ahead = Math.max(0, ...observation.gatewayEpochs);
  if (ahead > status.table.epoch) return { ...status, table: { ...status.table, epoch: ahead + 1 } };
  if (!isRunning(status)) return stable(wanted, status, moment);
  const superseded = supersede(wanted, status, moment);
  return superseded ?? running(wanted, status, observation, moment);
}

type Handler = (status: Running, observation: Observation, moment: Moment) => RolloutStatus;

function running(wanted: Wanted, status: Running, observation: Observation, moment: Moment): RolloutStatus {
  const { staleAfter } = wanted.wish.spec.monitoring;
  const handlers: Readonly<Record<Exclude<RolloutState, 'Stable'>, Handler>> = {
    Installing: installing,
    Starting: starting,
    Holding: (at, seen, when) => hold(at, seen, { ...when, staleAfter }),
    Paused: (at, seen, when) => paused(at, seen, { ...when, staleAfter }),
    RollingBack: rollingBack,
    Promoting: promoting,
    Draining: draining,
    Removing: removing,
  };
  return status.state === 'Stable' ? status : handlers[status.state](status, observation, moment);
}

function installing(status: Running, { stable: seen }: Observation, moment: Moment): RolloutStatus {
  const { run } = status;
  if (!seen.ready || seen.revision !== run.revision) return status;
  const at = moment.now.toISOString();
  const installed: Running = {
    ...status,
    stableRevision: run.revision,
    revisions: status.revisions.map((one) => ({ ...one, lastStableAt: at })),
    run: { ...run, outcome: 'Promoted', reason: 'the first revision serves' },
  };
  return finish(installed, moment);
}

/** Begins what is wanted next: a return to a kept revision, a canary of a new one, or of a tuning change. */
function stable({ revision, template, wish }: Wanted, status: RolloutStatus, moment: Moment): RolloutStatus {
  if (moment.rollout.paused) return status;
  if (revision !== status.stableRevision) {
    if (status.rejectedRevisions.some((rejected) => rejected.revision === revision)) return status;
    const kept = status.revisions.find((one) => one.revision === revision);
    const known = kept === undefined ? [...status.revisions, { revision, template }] : status.revisions;
    const kind = kept?.lastStableAt === undefined ? 'Spec' : 'Return';
    return begin({ ...status, revisions: known }, { kind, revision }, moment);
  }
  const { tuning } = wish;
  if (tuning === undefined || tuning.generation <= (status.triedTuningGeneration ?? -1)) return status;
  return begin(status, { kind: 'Tuning', revision: `${revision}-t${tuning.generation}`, tuning }, moment);
}

/**
 * Gives up a run that is no longer wanted. What already promotes or goes back is finished first; the new wish follows
 * from Stable.
 */
function supersede(wanted: Wanted, status: Running, moment: Moment): RolloutStatus | undefined {
  if (stillWanted(wanted, status)) return undefined;
  if (status.state === 'Installing') return install(wanted, moment);
  if (!['Starting', 'Holding', 'Paused'].includes(status.state)) return undefined;
  const reason = `superseded by revision ${wanted.revision}`;
  return rollBack(status, { outcome: 'Superseded', reason }, moment);
}

function stillWanted({ revision, wish }: Wanted, { run, stableRevision }: Running): boolean {
  if (run.kind !== 'Tuning') return run.revision === revision;
  return revision === stableRevision && wish.tuning?.generation === run.tuning?.generation;
}
