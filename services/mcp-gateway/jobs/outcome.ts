import type { JobOutcome } from '../../../lib/mcpClient/tools.js';
import { JobState } from '../../../proto/gen/tori/memory/v1/types.js';

/** The outcome of a job that is no longer running. */
export function outcomeOf(state: JobState): JobOutcome {
  if (state === JobState.JOB_STATE_SUCCEEDED) return 'succeeded';
  return state === JobState.JOB_STATE_CANCELLED ? 'cancelled' : 'failed';
}
