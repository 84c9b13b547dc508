import { setTimeout as pause } from 'node:timers/promises';
import type { SleepCycle, SleepRun } from '../../../lib/mcpClient/tools.js';
import {
  type ConsolidationCycle,
  type ConsolidationRun,
} from '../../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { JobState } from '../../../proto/gen/tori/memory/v1/types.js';
import { ServiceError } from '../../common/errors.js';
import { settings } from '../episodes/store.js';
import type { TrackPeers } from '../routing/peers.js';
import type { RequestContext } from '../routing/router.js';
import { outcomeOf } from './outcome.js';

const pollMs = 200;

/**
 * Runs consolidation on one track and waits for its end. A run that is under way already is waited for first: it may have
 * begun before the caller's last episode. When the request is aborted its run is cancelled in the service.
 * @param onCycle told of each cycle of the run, once
 */
export async function sleepOnTrack(
  peers: TrackPeers,
  once: boolean,
  context: RequestContext,
  onCycle: (cycle: SleepCycle) => void,
): Promise<SleepRun> {
  const { tenant } = context;
  const runId = await start(peers, once, context);
  try {
    const run = await finished(peers, runId, context, onCycle);
    return {
      track: peers.track,
      runId,
      state: outcomeOf(run.state),
      error: run.error,
      cycles: run.cycles.map(cycleOf),
    };
  } catch (error) {
    // The request's own signal is aborted by now, so the cancellation goes without it.
    if (context.signal.aborted) await peers.sleep.cancelConsolidation({ tenant, runId });
    throw error;
  }
}

async function start(peers: TrackPeers, once: boolean, context: RequestContext): Promise<string> {
  const { tenant } = context;
  for (;;) {
    try {
      // Without the signal: a run that was started unseen could not be cancelled.
      return (await peers.sleep.startConsolidation({ tenant, once }, { requestId: context.requestId })).runId;
    } catch (thrown) {
      const error = ServiceError.from(thrown);
      if (error.code !== 'ALREADY_EXISTS') throw error;
    }
    await finished(peers, '', context, () => undefined);
  }
}

async function finished(
  peers: TrackPeers,
  runId: string,
  context: RequestContext,
  onCycle: (cycle: SleepCycle) => void,
): Promise<ConsolidationRun> {
  const { tenant } = context;
  for (let told = 0; ;) {
    const { run } = await peers.sleep.getConsolidation({ tenant, runId }, settings(context));
    if (run === undefined) throw new ServiceError('INTERNAL', 'the sleep scheduler answered without a run');
    for (const cycle of run.cycles.slice(told)) onCycle(cycleOf(cycle));
    told = run.cycles.length;
    if (run.state !== JobState.JOB_STATE_RUNNING) return run;
    await pause(pollMs, undefined, { signal: context.signal });
  }
}

function cycleOf(cycle: ConsolidationCycle): SleepCycle {
  const { episodes, energyBefore, energyAfter, energyDropRatio, settleLoops } = cycle;
  const { completionBefore, completionAfter, accepted, reason } = cycle;
  return {
    cycle: cycle.cycle,
    episodes,
    energyBefore,
    energyAfter,
    energyDropRatio,
    settleLoops,
    completionBefore,
    completionAfter,
    accepted,
    reason,
  };
}
