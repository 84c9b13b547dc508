import { reconciling, stalled, type Statement } from '../api/conditions.js';
import type { MemoryClusterSpec, ServiceStatus } from '../api/memory-cluster.js';
import type { RolloutState, RolloutStatus, Run } from '../api/rollout-status.js';
import { describe } from '../rollout/describe.js';
import { providerErrorBudget } from '../rollout/evaluate.js';
import { revisionOf, templateOf } from './revision.js';

interface Inputs {
  readonly spec: MemoryClusterSpec;
  readonly rollout: RolloutStatus;
  /** Services of the stable track that are not ready. */
  readonly down: readonly ServiceStatus[];
  /** What of this generation is not brought about yet. */
  readonly applying?: string;
}

/**
 * The conditions of a cluster whose manifest is sound. A good hold of hours leaves Ready=True unless `waitPolicy` says
 * otherwise, because pipelines that wait for a 48-hour InProgress time out; a rollback ends as Stalled, so that a
 * pipeline sees that what is in Git does not run.
 */
export function rolloutConditions(inputs: Inputs): readonly Statement[] {
  const { rollout } = inputs;
  return [...readiness(inputs), ...progress(inputs), ...warnings(rollout.run)];
}

/** States in which stable restarts or the canary has its keys, so that its readiness says nothing of the service. */
const stableMayBeDown: readonly RolloutState[] = ['Installing', 'Promoting', 'RollingBack'];

function readiness(inputs: Inputs): readonly Statement[] {
  const { spec, rollout, down } = inputs;
  const { state, run } = rollout;
  const message = describe(spec.rollout, rollout);
  if (state === 'Installing') return reconciling('Installing', waitingFor(message, down));
  const restarts = stableMayBeDown.includes(state);
  if (inputs.applying !== undefined && !restarts) return reconciling('Applying', inputs.applying);
  if (down.length > 0 && !restarts) {
    return reconciling('ServicesNotReady', waitingFor('stable is not complete', down));
  }
  return run === undefined ? atRest(inputs, message) : underWay(inputs, run, message);
}

function underWay({ spec, rollout: { state } }: Inputs, run: Run, message: string): readonly Statement[] {
  const pause = run.pause?.reason;
  if (pause === 'Failed' || pause === 'Stuck') return stalled(`Canary${pause}`, message);
  if (run.outcome === 'RolledBack') return reconciling('RollingBack', message);
  if (spec.rollout.waitPolicy === 'untilPromoted') return reconciling(reasons[state], message);
  return [{ type: 'Ready', status: 'True', reason: reasons[state], message }];
}

function atRest({ spec, rollout }: Inputs, message: string): readonly Statement[] {
  const wanted = revisionOf(templateOf(spec));
  const rejected = rollout.rejectedRevisions.find(({ revision }) => revision === wanted);
  if (rejected !== undefined && rollout.stableRevision !== wanted) {
    const why = `revision ${wanted} was rolled back: ${rejected.reason}; change the spec, or retry`;
    return stalled('RolledBack', why);
  }
  return [{ type: 'Ready', status: 'True', reason: 'Serving', message }];
}

const reasons: Readonly<Record<RolloutState, string>> = {
  Installing: 'Installing',
  Stable: 'Serving',
  Starting: 'CanaryStarting',
  Holding: 'CanaryHolding',
  Paused: 'CanaryPaused',
  RollingBack: 'RollingBack',
  Promoting: 'Promoting',
  Draining: 'Draining',
  Removing: 'Removing',
};

/** Progressing and Paused are for people: kstatus reads neither. */
function progress({ spec, rollout }: Inputs): readonly Statement[] {
  const { run, state } = rollout;
  if (run === undefined || state === 'Installing') return [];
  const message = describe(spec.rollout, rollout);
  if (run.pause !== undefined && state === 'Paused') {
    return [{ type: 'Paused', status: 'True', reason: run.pause.reason, message }];
  }
  const back = run.outcome === 'RolledBack' || run.outcome === 'Superseded';
  const ahead = run.outcome === 'Promoted' || state === 'Promoting';
  const reason = back ? 'RollingBack' : ahead ? 'Promoting' : reasons[state];
  return [{ type: 'Progressing', status: 'True', reason, message }];
}

function warnings(run: Run | undefined): readonly Statement[] {
  if (run === undefined) return [];
  const found: Statement[] = [];
  if (run.starved) {
    const message = 'too few keys reach the canary at this share for the samples of the step';
    found.push({ type: 'CanaryStarved', status: 'True', reason: 'TooFewKeys', message });
  }
  if (run.consecutiveProviderErrors >= providerErrorBudget) {
    const message = run.lastVerdict?.reasons.join('; ') ?? 'the source of metrics cannot be read';
    found.push({ type: 'MetricsStale', status: 'True', reason: 'NoUsableSamples', message });
  }
  return found;
}

function waitingFor(message: string, down: readonly ServiceStatus[]): string {
  const names = down.map(({ name, message: why }) => (why === undefined ? name : `${name}: ${why}`));
  return names.length === 0 ? message : `${message}; waits for ${names.join(', ')}`;
}
