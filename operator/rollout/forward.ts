import { Duration } from '../api/duration.js';
import type { RolloutStatus, Run } from '../api/rollout-status.js';
import { evaluate, nextCheck, type Evaluation } from './evaluate.js';
import type { Observation } from './observation.js';
import {
  enterStep,
  everyKey,
  pause,
  promote,
  resume,
  rollBack,
  stepOf,
  without,
  type Moment,
  type Running,
} from './transitions.js';

interface Judging extends Moment {
  /** Age at which samples are stale, a duration text. */
  readonly staleAfter: string;
}

/** Starting: waits for the canary's workloads and its seed, then gives it the first share. */
export function starting(status: Running, observation: Observation, moment: Moment): RolloutStatus {
  if (moment.rollout.paused) return pause(status, 'Spec', 'spec.rollout.paused is true', moment);
  if (canaryServes(status, observation) && observation.canarySeeded) return enterStep(status, 0, moment);
  if (!isPast(status.run.deadline, moment)) return status;
  const why = observation.canary?.message ?? 'its workloads are not ready or not seeded';
  return fail(status, `the canary did not start in time: ${why}`, moment);
}

/** Holding: waits for the gateways, watches the canary's health, and evaluates when it is time. */
export function hold(status: Running, observation: Observation, moment: Judging): RolloutStatus {
  if (moment.rollout.paused) return pause(status, 'Spec', 'spec.rollout.paused is true', moment);
  if (status.run.stepStartedAt === undefined) return confirmStep(status, observation, moment);
  const health = watchHealth(status, observation, moment);
  if (health !== status) return health;
  return isDue(status.run, moment) ? evaluateStep(status, observation, moment) : status;
}

/**
 * Paused: goes on by itself only where it stopped by itself or by spec. While it waits for a gate the canary is still
 * judged, so that nobody finds a broken one in the morning; a person's pause moves nothing.
 */
export function paused(status: Running, observation: Observation, moment: Judging): RolloutStatus {
  const reason = status.run.pause?.reason;
  if (reason === 'Spec') return moment.rollout.paused ? status : resume(status, moment);
  if (reason === 'Promotion' && moment.rollout.autoPromote) return promote(status, moment);
  if ((reason !== 'Gate' && reason !== 'Promotion') || !isDue(status.run, moment)) return status;
  const { run, failure } = evaluation(status, observation, moment);
  const judged = { ...status, run };
  return failure === undefined ? judged : fail(judged, failure, moment);
}

/** A step that failed, by what `onFail` says. */
export function fail(status: Running, reason: string, moment: Moment): Running {
  const { onFail } = moment.rollout;
  if (onFail === 'pause')
    return pause(status, status.state === 'Holding' ? 'Failed' : 'Stuck', reason, moment);
  const gradual = onFail === 'gradualRollback';
  return rollBack(status, { outcome: 'RolledBack', reason, gradual }, moment);
}

/** Whether every gateway that is ready serves the table of the status; with none ready nothing is known. */
export function gatewaysServe({ table }: RolloutStatus, { gatewayEpochs }: Observation): boolean {
  return gatewayEpochs.length > 0 && gatewayEpochs.every((epoch) => epoch >= table.epoch);
}

export function isPast(instant: string | undefined, { now }: Moment): boolean {
  return instant !== undefined && now.toISOString() >= instant;
}

function canaryServes({ run }: Running, { canary }: Observation): boolean {
  return canary?.ready === true && canary.revision === run.revision;
}

function confirmStep(status: Running, observation: Observation, moment: Moment): Running {
  if (!gatewaysServe(status, observation)) return status;
  const { rollout, now } = moment;
  const eligibleAt = Duration.parse(stepOf(moment.rollout, status.run).hold).after(now).toISOString();
  const nextCheckAt = nextCheck(rollout.analysis, eligibleAt, now);
  return { ...status, run: { ...status.run, stepStartedAt: now.toISOString(), eligibleAt, nextCheckAt } };
}

/** A canary that is down for the progress deadline has failed, whatever its metrics say. */
function watchHealth(status: Running, observation: Observation, moment: Moment): Running {
  const { run } = status;
  if (canaryServes(status, observation)) {
    return run.deadline === undefined ? status : { ...status, run: without(run, ['deadline']) };
  }
  if (run.deadline === undefined) {
    const deadline = Duration.parse(moment.rollout.progressDeadline).after(moment.now).toISOString();
    return { ...status, run: { ...run, deadline } };
  }
  if (!isPast(run.deadline, moment)) return status;
  return fail(
    status,
    `the canary is down: ${observation.canary?.message ?? 'its workloads are gone'}`,
    moment,
  );
}

function isDue({ nextCheckAt }: Run, moment: Moment): boolean {
  return nextCheckAt === undefined || isPast(nextCheckAt, moment);
}

function evaluation(status: Running, observation: Observation, moment: Judging): Evaluation {
  const { rollout, now, staleAfter } = moment;
  const { analysis } = rollout;
  const found = evaluate(analysis, status.run, observation.metrics, {
    now,
    staleAfterMs: Duration.parse(staleAfter).milliseconds,
    confidence: analysis.confidence,
    alone: status.table.basisPoints === everyKey,
  });
  const starved = isStarved(status.run, observation, moment);
  const nextCheckAt = nextCheck(analysis, status.run.eligibleAt, now);
  return { ...found, run: { ...found.run, starved, nextCheckAt } };
}

function evaluateStep(status: Running, observation: Observation, moment: Judging): Running {
  const { run, verdict, failure } = evaluation(status, observation, moment);
  const judged = { ...status, run };
  if (failure !== undefined) return fail(judged, failure, moment);
  const { inconclusiveLimit } = moment.rollout.analysis;
  if (inconclusiveLimit > 0 && run.consecutiveInconclusive >= inconclusiveLimit) {
    return pause(judged, 'Inconclusive', verdict.reasons.join('; '), moment);
  }
  return verdict.verdict === 'pass' ? advance(judged, observation, moment) : judged;
}

/** After a passed evaluation: samples, then hold, then gate, then the next step or the promotion. */
function advance(status: Running, observation: Observation, moment: Moment): Running {
  const missing = missingFor(status.run, observation, moment);
  if (missing.length > 0) return waitingFor(status, missing);
  const { run } = status;
  if (stepOf(moment.rollout, run).gate && !run.gateApproved) {
    return pause(status, 'Gate', 'the step has passed and waits for an approve', moment);
  }
  const next = moment.rollout.steps.findIndex(({ weight }) => weight * 100 > status.table.basisPoints);
  if (next !== -1) return enterStep(status, next, moment);
  if (moment.rollout.autoPromote) return promote(status, moment);
  return pause(status, 'Promotion', 'every step has passed; waits for a promote', moment);
}

function missingFor(run: Run, { step }: Observation, moment: Moment): string[] {
  if (step.error !== undefined) return [`the source of the counts failed: ${step.error}`];
  const { minSamples, minSleeps } = stepOf(moment.rollout, run);
  const missing: string[] = [];
  if (step.canaryRequests < minSamples) missing.push(`${step.canaryRequests} of ${minSamples} samples`);
  if (step.canarySleeps < minSleeps) missing.push(`${step.canarySleeps} of ${minSleeps} sleeps`);
  if (!isPast(run.eligibleAt, moment)) missing.push(`hold until ${run.eligibleAt ?? 'the step begins'}`);
  return missing;
}

function waitingFor(status: Running, missing: readonly string[]): Running {
  const { lastVerdict } = status.run;
  if (lastVerdict === undefined) return status;
  const reasons = [...lastVerdict.reasons, ...missing.map((what) => `waits: ${what}`)];
  return { ...status, run: { ...status.run, lastVerdict: { ...lastVerdict, reasons } } };
}

/**
 * Whether the share brings too few keys: from half of the hold on, when the samples so far would not reach what the
 * step needs by its end. Known within one hold, instead of a rollout that waits for ever without saying why.
 */
function isStarved(run: Run, { step }: Observation, moment: Moment): boolean {
  if (step.error !== undefined) return run.starved;
  const needed = Math.max(stepOf(moment.rollout, run).minSamples, step.stableRequests > 0 ? 1 : 0);
  if (step.canaryRequests >= needed || run.stepStartedAt === undefined || run.eligibleAt === undefined) {
    return false;
  }
  const begun = Date.parse(run.stepStartedAt);
  const holdMs = Date.parse(run.eligibleAt) - begun;
  const elapsedMs = moment.now.getTime() - begun;
  if (elapsedMs < holdMs / 2) return false;
  return elapsedMs >= holdMs || (step.canaryRequests / elapsedMs) * holdMs < needed;
}
