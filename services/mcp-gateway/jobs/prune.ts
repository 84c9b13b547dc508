import { setTimeout as pause } from 'node:timers/promises';
import type { PruneRun } from '../../../lib/mcpClient/tools.js';
import type { PruneJob } from '../../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { JobState } from '../../../proto/gen/tori/memory/v1/types.js';
import { ServiceError } from '../../common/errors.js';
import { settings } from '../episodes/store.js';
import type { TrackPeers } from '../routing/peers.js';
import type { RequestContext } from '../routing/router.js';
import { outcomeOf } from './outcome.js';

const pollMs = 100;
/** Edges listed by a dry run. */
const examples = 10;

/** Tells what pruning one track would remove. Changes nothing. */
export async function dryRunOnTrack(
  peers: TrackPeers,
  threshold: number | undefined,
  context: RequestContext,
): Promise<PruneRun> {
  const { tenant } = context;
  const plan = await peers.pruner.dryRunPrune(
    { tenant, l1Threshold: threshold, examples },
    settings(context),
  );
  const ends = Uint32Array.from(plan.examples.flatMap(({ a, b }) => [a, b]));
  const names = await peers.dictionary(tenant).namesOf(ends, settings(context));
  return {
    track: peers.track,
    state: 'succeeded',
    error: '',
    threshold: plan.l1Threshold,
    edgesBefore: plan.edgesBefore,
    edgesAfter: plan.edgesAfter,
    version: plan.version,
    examples: plan.examples.map(({ weight }, k) => ({ a: names[2 * k]!, b: names[2 * k + 1]!, weight })),
  };
}

/** Prunes one track's graph and waits for the end. When the request is aborted the job is cancelled in the service. */
export async function pruneOnTrack(
  peers: TrackPeers,
  threshold: number | undefined,
  context: RequestContext,
): Promise<PruneRun> {
  const { tenant, requestId } = context;
  // Without the signal: a job that was started unseen could not be cancelled.
  const { jobId } = await peers.pruner.startPrune({ tenant, l1Threshold: threshold }, { requestId });
  try {
    const job = await finished(peers, jobId, context);
    return {
      track: peers.track,
      jobId,
      state: outcomeOf(job.state),
      error: job.error,
      threshold: job.l1Threshold,
      edgesBefore: job.edgesBefore,
      edgesAfter: job.edgesAfter,
      version: job.version,
      examples: [],
    };
  } catch (error) {
    if (context.signal.aborted) await peers.pruner.cancelPrune({ tenant, jobId });
    throw error;
  }
}

async function finished(peers: TrackPeers, jobId: string, context: RequestContext): Promise<PruneJob> {
  const { tenant } = context;
  for (;;) {
    const { job } = await peers.pruner.getPrune({ tenant, jobId }, settings(context));
    if (job === undefined) throw new ServiceError('INTERNAL', 'the pruner answered without a job');
    if (job.state !== JobState.JOB_STATE_RUNNING) return job;
    await pause(pollMs, undefined, { signal: context.signal });
  }
}
