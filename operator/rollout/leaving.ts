import { Duration } from '../api/duration.js';
import type { RolloutStatus } from '../api/rollout-status.js';
import { fail, gatewaysServe, isPast } from './forward.js';
import type { Observation } from './observation.js';
import { adopted, drain, finish, remove, shared, type Moment, type Running } from './transitions.js';

/**
 * Promoting: once the gateways serve the share, stable is rolled in place (or adopts the tuned values); when it is
 * ready it is the new stable, and the canary is drained into it.
 */
export function promoting(status: Running, observation: Observation, moment: Moment): RolloutStatus {
  const { run } = status;
  if (run.stepStartedAt === undefined && gatewaysServe(status, observation)) return confirm(status, moment);
  if (run.stepStartedAt !== undefined && stableHasIt(status, observation)) {
    const done = adopted(status, moment);
    return run.kind === 'Return' ? remove(done) : drain(done, moment);
  }
  if (!isPast(run.deadline, moment)) return status;
  const why = observation.stable.message ?? 'it is not ready';
  return fail(status, `stable did not take revision ${run.revision} in time: ${why}`, moment);
}

/**
 * RollingBack: first stable is what it was (capacity before traffic), then the share goes down, step by step where
 * that is wanted, and the canary is drained. A canary that never had a key is simply removed.
 */
export function rollingBack(status: Running, observation: Observation, moment: Moment): RolloutStatus {
  const { stable } = observation;
  if (!stable.ready || stable.revision !== status.stableRevision) return status;
  if (!status.table.canary) return remove(status);
  if (!status.run.gradual) return drain(status, moment);
  return isPast(status.run.nextCheckAt ?? moment.now.toISOString(), moment) ? lower(status, moment) : status;
}

/** Draining: waits for the gateways, then for the copy; a canary that cannot serve its data lends it to stable's revision. */
export function draining(status: Running, observation: Observation, moment: Moment): RolloutStatus {
  const { run } = status;
  if (run.stepStartedAt === undefined) {
    return gatewaysServe(status, observation) ? confirm(status, moment) : status;
  }
  if (isCopied(status, observation)) return remove(status);
  const down = observation.canary?.ready !== true;
  return down && !run.rescue && isPast(run.deadline, moment)
    ? { ...status, run: { ...run, rescue: true } }
    : status;
}

/** Every episode of the canary, as of the fence of this very table, is in stable. */
function isCopied({ table }: Running, { drain: copy }: Observation): boolean {
  return copy?.epoch === table.epoch && copy.verified && copy.copiedThrough >= copy.lastSequence;
}

/** Removing: when no gateway knows the canary any more its workloads go, and the run is over. */
export function removing(status: Running, observation: Observation, moment: Moment): RolloutStatus {
  if (status.run.stepStartedAt === undefined) {
    return gatewaysServe(status, observation) ? confirm(status, moment) : status;
  }
  return observation.canary === undefined ? finish(status, moment) : status;
}

function confirm(status: Running, { now }: Moment): Running {
  return { ...status, run: { ...status.run, stepStartedAt: now.toISOString() } };
}

function stableHasIt({ run }: Running, { stable, adoptedTuningGeneration }: Observation): boolean {
  if (run.tuning !== undefined) return (adoptedTuningGeneration ?? -1) >= run.tuning.generation;
  return stable.ready && stable.revision === run.revision;
}

/** One step down; from the lowest the canary is drained. */
function lower(status: Running, moment: Moment): Running {
  const { rollout, now } = moment;
  const below = rollout.steps
    .map(({ weight }) => weight * 100)
    .filter((share) => share < status.table.basisPoints);
  if (below.length === 0) return drain(status, moment);
  const nextCheckAt = Duration.parse(rollout.analysis.interval).after(now).toISOString();
  const lowered = shared(status, { basisPoints: Math.max(...below), canary: true });
  return { ...lowered, run: { ...lowered.run, nextCheckAt } };
}
