import { Duration } from '../api/duration.js';
import type { RolloutSpec, StepSpec } from '../api/rollout-spec.js';
import {
  historyLimit,
  rejectedLimit,
  type Outcome,
  type PauseReason,
  type RolloutStatus,
  type Run,
} from '../api/rollout-status.js';
import type { TuningChange } from './wish.js';

/** Share of all keys, in basis points. */
export const everyKey = 10_000;

/** What a decision is made with, beside status and observation. */
export interface Moment {
  readonly rollout: RolloutSpec;
  readonly now: Date;
}

/** A status in which a run is under way. */
export type Running = RolloutStatus & { readonly run: Run };

type Start = Pick<Run, 'kind' | 'revision'> & { readonly tuning?: TuningChange };

/** The run that brings a revision, with a canary or, for a return to a kept one, without. */
export function begin(status: RolloutStatus, start: Start, moment: Moment): Running {
  const run: Run = {
    ...start,
    startedAt: moment.now.toISOString(),
    step: 0,
    deadline: deadline(moment),
    gateApproved: false,
    gradual: false,
    rescue: false,
    starved: false,
    ...freshCounts,
  };
  const tried = start.tuning === undefined ? {} : { triedTuningGeneration: start.tuning.generation };
  return { ...status, ...tried, state: start.kind === 'Return' ? 'Promoting' : 'Starting', run };
}

const freshCounts = {
  budget: [],
  consecutiveFailures: 0,
  consecutiveInconclusive: 0,
  consecutiveProviderErrors: 0,
} satisfies Partial<Run>;

/** Gives the canary the share of a step; its hold begins when the gateways serve it. */
export function enterStep(status: Running, step: number, moment: Moment): Running {
  const { run } = status;
  const basisPoints = (moment.rollout.steps[step]?.weight ?? 100) * 100;
  return {
    ...shared(status, { basisPoints, canary: true }),
    state: 'Holding',
    run: { ...without(run, unconfirmed), step, gateApproved: false, starved: false, ...freshCounts },
  };
}

/** Goes on with the present step as if it had just begun. */
export function repeatStep(status: Running): Running {
  return { ...status, state: 'Holding', run: { ...without(status.run, unconfirmed), ...freshCounts } };
}

/** Fields about the share that the gateways serve, until they confirm another. */
const unconfirmed = ['pause', 'stepStartedAt', 'eligibleAt', 'nextCheckAt', 'deadline'] as const;

export function pause(status: Running, reason: PauseReason, message: string, { now }: Moment): Running {
  const from = status.state === 'Starting' || status.state === 'Promoting' ? status.state : 'Holding';
  const at = now.toISOString();
  return {
    ...status,
    state: 'Paused',
    run: { ...status.run, pause: { reason, from, at, message: message.slice(0, 1024) } },
  };
}

/** Leaves a pause for the state in which it began. */
export function resume(status: Running, moment: Moment): Running {
  const from = status.run.pause?.from ?? 'Holding';
  const run = { ...without(status.run, ['pause', 'deadline']), consecutiveInconclusive: 0 };
  return { ...status, state: from, run: from === 'Holding' ? run : { ...run, deadline: deadline(moment) } };
}

/**
 * Rolls stable to the new revision. A spec canary first takes every key, so that stable is restarted while nobody
 * asks it; a tuning canary keeps its share, because adopting values restarts nothing.
 */
export function promote(status: Running, moment: Moment, by?: string): Running {
  const { run } = status;
  const table = run.kind === 'Spec' ? { basisPoints: everyKey, canary: true } : status.table;
  return {
    ...shared(status, table),
    state: 'Promoting',
    run: {
      ...without(run, unconfirmed),
      deadline: deadline(moment),
      ...(by === undefined ? {} : { by }),
    },
  };
}

/** How a run is given up. */
export interface Ending {
  readonly outcome: Exclude<Outcome, 'Promoted'>;
  readonly reason: string;
  readonly by?: string;
  readonly gradual?: boolean;
}

/** Begins the way back. A revision that was rolled back is not tried again by itself; a superseded one may be. */
export function rollBack(
  status: Running,
  { outcome, reason, by, gradual = false }: Ending,
  moment: Moment,
): Running {
  const at = moment.now.toISOString();
  const rejected =
    outcome === 'RolledBack' && status.run.kind !== 'Tuning'
      ? [
          { revision: status.run.revision, at, reason: reason.slice(0, 1024) },
          ...status.rejectedRevisions.filter(({ revision }) => revision !== status.run.revision),
        ].slice(0, rejectedLimit)
      : status.rejectedRevisions;
  return {
    ...status,
    state: 'RollingBack',
    rejectedRevisions: rejected,
    run: {
      ...without(status.run, unconfirmed),
      outcome,
      reason: reason.slice(0, 1024),
      gradual,
      ...(by === undefined ? {} : { by }),
    },
  };
}

/** Takes every key from the canary, so that it can be drained. */
export function drain(status: Running, moment: Moment): Running {
  return {
    ...shared(status, { basisPoints: 0, canary: true }),
    state: 'Draining',
    run: { ...without(status.run, unconfirmed), deadline: deadline(moment) },
  };
}

/** Takes the canary out of the table, so that it can be stopped. */
export function remove(status: Running): Running {
  return {
    ...shared(status, { basisPoints: 0, canary: false }),
    state: 'Removing',
    run: without(status.run, unconfirmed),
  };
}

/** Ends the run and keeps what is worth keeping of it. */
export function finish(status: Running, { rollout, now }: Moment): RolloutStatus {
  const { run, ...rest } = status;
  const entry = {
    kind: run.kind,
    revision: run.revision,
    ...(run.tuning === undefined ? {} : { tuningGeneration: run.tuning.generation }),
    outcome: run.outcome ?? 'Promoted',
    startedAt: run.startedAt,
    finishedAt: now.toISOString(),
    reason: run.reason ?? 'every step passed',
    ...(run.by === undefined ? {} : { by: run.by }),
  };
  return {
    ...rest,
    state: 'Stable',
    revisions: keptRevisions(rest, rollout.keepRevisions),
    history: [entry, ...status.history].slice(0, historyLimit),
  };
}

/** Stable now serves the revision of the run. */
export function adopted(status: Running, { now }: Moment): Running {
  const outcome: Outcome = 'Promoted';
  const run = { ...status.run, outcome };
  if (run.kind === 'Tuning') return { ...status, run };
  const at = now.toISOString();
  return {
    ...status,
    run,
    stableRevision: run.revision,
    rejectedRevisions: status.rejectedRevisions.filter(({ revision }) => revision !== run.revision),
    revisions: status.revisions.map((kept) =>
      kept.revision === run.revision || kept.revision === status.stableRevision
        ? { ...kept, lastStableAt: at }
        : kept,
    ),
  };
}

/** The status with another table under the next epoch; with the same one when nothing changes. */
export function shared(
  status: Running,
  { basisPoints, canary }: Omit<RolloutStatus['table'], 'epoch'>,
): Running {
  const { table } = status;
  if (table.basisPoints === basisPoints && table.canary === canary) return status;
  return { ...status, table: { epoch: table.epoch + 1, basisPoints, canary } };
}

export function isRunning(status: RolloutStatus): status is Running {
  return status.run !== undefined;
}

export function without<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !keys.some((one) => one === key)),
  ) as unknown as Omit<T, K>;
}

function deadline({ rollout, now }: Moment): string {
  return Duration.parse(rollout.progressDeadline).after(now).toISOString();
}

/** Stable itself, and the newest former ones. */
function keptRevisions(status: RolloutStatus, keep: number): RolloutStatus['revisions'] {
  const current = status.revisions.filter(({ revision }) => revision === status.stableRevision);
  const former = status.revisions
    .filter(({ revision, lastStableAt }) => revision !== status.stableRevision && lastStableAt !== undefined)
    .toSorted((a, b) => (b.lastStableAt ?? '').localeCompare(a.lastStableAt ?? ''))
    .slice(0, keep);
  return [...current, ...former];
}

/** The specification of the step that a run is at, also when the spec got fewer steps meanwhile. */
export function stepOf({ steps }: RolloutSpec, { step }: Pick<Run, 'step'>): StepSpec {
  return steps[Math.min(step, steps.length - 1)]!;
}
