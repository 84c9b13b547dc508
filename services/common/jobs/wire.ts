import { JobState } from '../../../proto/gen/tori/memory/v1/types.js';
import type { JobStatus } from './jobs.js';

const states: Record<JobStatus, JobState> = {
  running: JobState.JOB_STATE_RUNNING,
  succeeded: JobState.JOB_STATE_SUCCEEDED,
  cancelled: JobState.JOB_STATE_CANCELLED,
  failed: JobState.JOB_STATE_FAILED,
};

/** The wire form of a job's status. */
export function encodeJobStatus(status: JobStatus): JobState {
  return states[status];
}
