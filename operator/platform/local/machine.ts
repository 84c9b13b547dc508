import type { Logger } from '../../../services/common/logger.js';
import type { TrackDuties } from '../../tracks/duties.js';
import type { ProcessContext } from './processes.js';
import type { Supervisor } from './supervisor/supervisor.js';

/** The parts of this machine that are observed and acted on. */
export interface Machine extends ProcessContext {
  readonly supervisor: Supervisor;
  readonly duties: TrackDuties;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
