import { isDeepStrictEqual } from 'node:util';
import { Duration } from '../api/duration.js';
import type { MemoryCluster, MemoryClusterStatus } from '../api/memory-cluster.js';
import type { ParameterTuning, RuleStatus, TuningStatus } from '../api/tuning-status.js';
import { isHolding } from '../tuning/rule-state.js';

/** How often figures of the tuner that lead to nothing are shown anew. */
const refreshMs = 10 * 60_000;

/**
 * The status to store. Every evaluation of the tuner has a new time and new figures; while they lead to nothing the status
 * stays as it is, so that a cluster at rest is not written to. It is stored when anything else changed, when a rule has
 * begun to hold (its hold is measured from evaluation to evaluation), or when the figures are ten minutes old.
 */
export function worthStoring(
  { status: before, spec }: Pick<MemoryCluster, 'status' | 'spec'>,
  fresh: MemoryClusterStatus,
  now: Date,
): MemoryClusterStatus {
  const [was, is] = [before?.tuning, fresh.tuning];
  if (before === undefined || was === undefined || is === undefined) return fresh;
  const rest = isDeepStrictEqual({ ...fresh, tuning: was }, before);
  if (!rest || !isDeepStrictEqual(withoutFigures(was), withoutFigures(is))) return fresh;
  const ageMs = now.getTime() - Date.parse(was.evaluatedAt);
  const staleMs = Duration.parse(spec.monitoring.staleAfter).milliseconds;
  return ageMs >= showAfterMs(was, is, staleMs) ? fresh : before;
}

/** How old stored figures may become. */
function showAfterMs(was: TuningStatus, is: TuningStatus, staleMs: number): number {
  if (Object.values(is.rules).some(isHolding)) return staleMs / 2;
  return isDeepStrictEqual({ ...was, evaluatedAt: '' }, { ...is, evaluatedAt: '' }) ? Infinity : refreshMs;
}

/** What the next evaluation depends on, without the time of this one and what it read. */
function withoutFigures(status: TuningStatus): unknown {
  return {
    ...status,
    evaluatedAt: '',
    parameters: Object.fromEntries(
      Object.entries(status.parameters).map(([name, parameter]) => [name, settled(parameter)]),
    ),
    rules: Object.fromEntries(Object.entries(status.rules).map(([id, rule]) => [id, stateOf(rule)])),
  };
}

/** While a parameter is held or tuning is frozen its evidence begins anew at every evaluation. */
function settled(parameter: ParameterTuning): unknown {
  const { state } = parameter;
  if (state.phase !== 'OnTrial') return { ...parameter, evidenceFrom: '' };
  return { ...parameter, evidenceFrom: '', state: { ...state, trial: { ...state.trial, measureFrom: '' } } };
}

function stateOf({ state, since, exhausted }: RuleStatus): unknown {
  return { state, since, exhausted };
}
