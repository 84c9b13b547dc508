import type { Logger } from '../../../services/common/logger.js';
import type { ProcessContext } from './processes.js';
import type { Supervisor } from './supervisor/supervisor.js';
import type { BackgroundJobs } from './tracks/background.js';
import type { TrackClients } from './tracks/clients.js';
import type { CompletionProbe } from './tracks/completion-probe.js';
import type { Drain } from './tracks/drain.js';
import type { TrackState } from './tracks/track-state.js';

/** The parts of this machine that are observed and acted on. */
export interface Machine extends ProcessContext {
  readonly supervisor: Supervisor;
  readonly jobs: BackgroundJobs;
  readonly drain: Drain;
  readonly trackState: TrackState;
  readonly tracks: { readonly stable: TrackClients; readonly canary: TrackClients };
  readonly completion: CompletionProbe;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
