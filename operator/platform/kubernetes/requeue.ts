import type { MemoryClusterStatus } from '../../api/memory-cluster.js';
import type { RolloutState, RolloutStatus } from '../../api/rollout-status.js';
import { tunableParameters } from '../../api/tuning-status.js';

/** Between looks at something of which nobody tells us: a gateway's epoch, a volume that goes. */
const pollMs = 1_000;

/**
 * When a cluster has to be looked at again though nothing changes, from what its status stores; undefined when never.
 * @param now when it was decided: what became due since is due at once
 * @param others waits that are not in it, in milliseconds: until new samples are due, for example
 */
export function requeueAfterMs(
  status: MemoryClusterStatus,
  now: Date,
  others: readonly number[],
): number | undefined {
  // While a spec is refused nothing is decided, whatever becomes due.
  const rollout = isRefused(status) ? undefined : status.rollout;
  const run = rollout?.run;
  const instants = [
    run?.nextCheckAt,
    run?.eligibleAt,
    run?.deadline,
    ...tunableParameters.map((name) => endOf(status, name)),
  ];
  const deadlines = instants.flatMap((instant) => {
    const inMs = instant === undefined ? NaN : Date.parse(instant) - now.getTime();
    // One that has passed has led to nothing more: what comes next is told by something else.
    return inMs > 0 ? [inMs] : [];
  });
  const waits = [...deadlines, ...others.map((ms) => Math.max(ms, 0)), ...(polls(rollout) ? [pollMs] : [])];
  return waits.length === 0 ? undefined : Math.min(...waits) + 1;
}

/** Whether something is awaited that only looking shows: the gateways' epoch, the end of the canary's volumes. */
function polls(rollout: RolloutStatus | undefined): boolean {
  if (rollout?.run === undefined) return false;
  if (rollout.state === 'Removing' || rollout.state === 'RollingBack') return true;
  return rollout.run.stepStartedAt === undefined && !told.includes(rollout.state);
}

function isRefused({ conditions }: MemoryClusterStatus): boolean {
  return conditions.some(({ type, reason }) => type === 'Stalled' && reason === 'InvalidSpec');
}

/** States that end by what caches, jobs, people or stored times tell. */
const told: readonly RolloutState[] = ['Stable', 'Installing', 'Starting', 'Paused'];

function endOf({ tuning }: MemoryClusterStatus, name: (typeof tunableParameters)[number]) {
  const state = tuning?.parameters[name].state;
  if (state?.phase === 'Proposed') return state.proposal.expiresAt;
  return state?.phase === 'CoolingDown' || state?.phase === 'Oscillating' ? state.until : undefined;
}
