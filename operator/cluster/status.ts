import { isTrue, reconciling, setConditions, stalled, type Statement } from '../api/conditions.js';
import type {
  ClusterPhase,
  MemoryCluster,
  MemoryClusterStatus,
  ServiceStatus,
} from '../api/memory-cluster.js';
import type { ManifestProblem } from '../api/problem.js';
import { problemText } from '../api/problem.js';
import type { Condition } from '../api/resource.js';
import type { RolloutStatus } from '../api/rollout-status.js';
import type { TuningStatus } from '../api/tuning-status.js';
import { describe, holdText, stepText, weightText } from '../rollout/describe.js';
import { rolloutConditions } from './rollout-conditions.js';

/** Everything that a cluster's status is made of. */
export interface StatusInputs {
  readonly cluster: MemoryCluster;
  readonly generation: number;
  readonly rollout?: RolloutStatus;
  readonly services: readonly ServiceStatus[];
  readonly tuning?: TuningStatus;
  readonly endpoints: Readonly<Record<string, string>>;
  /** Conditions beside those of the rollout, of tuning for example. */
  readonly others?: readonly Statement[];
  /** What is wrong with the manifest or cannot be run on this platform. */
  readonly problems: readonly ManifestProblem[];
  /** What of this generation is not brought about yet; absent when everything is. */
  readonly applying?: string;
}

/**
 * The status of a cluster: conditions by the rules of kstatus, the phase from the conditions.
 * @param now time of a transition, when there is one; a status without change is equal to the one before
 */
export function clusterStatus(inputs: StatusInputs, now: Date): MemoryClusterStatus {
  const { cluster, generation, rollout, services, tuning, endpoints } = inputs;
  const conditions = setConditions(cluster.status?.conditions ?? [], statements(inputs), { generation, now });
  return {
    observedGeneration: generation,
    phase: phaseOf(conditions),
    message: messageOf(inputs, conditions),
    conditions,
    services,
    ...(rollout === undefined ? {} : { rollout }),
    ...canaryOf(inputs),
    ...(tuning === undefined ? {} : { tuning }),
    endpoints,
  };
}

/** The closed phase of a set of conditions. */
export function phaseOf(conditions: readonly Condition[]): ClusterPhase {
  const reason = conditions.find(({ type }) => type === 'Progressing')?.reason;
  const phases: readonly [ClusterPhase, boolean][] = [
    ['Pending', conditions.length === 0],
    ['Terminating', conditions.some((one) => one.reason === 'Terminating')],
    ['Failed', isTrue(conditions, 'Stalled')],
    ['Paused', isTrue(conditions, 'Paused')],
    ['RollingBack', reason === 'RollingBack'],
    ['Promoting', reason === 'Promoting'],
    ['Canary', reason !== undefined],
    ['Reconciling', isTrue(conditions, 'Reconciling')],
    ['Ready', isTrue(conditions, 'Ready')],
  ];
  return phases.find(([, holds]) => holds)?.[0] ?? 'Degraded';
}

function statements(inputs: StatusInputs): readonly Statement[] {
  const { cluster, problems, rollout, services } = inputs;
  if (cluster.metadata.deletionTimestamp !== undefined) {
    return reconciling('Terminating', 'the cluster is being deleted');
  }
  if (problems.length > 0) {
    return stalled('InvalidSpec', problems.map(problemText).join('; ').slice(0, 4096));
  }
  if (rollout === undefined) return reconciling('Pending', 'nothing was started yet');
  const down = services.filter(({ track, wanted, ready }) => track === 'stable' && ready < wanted);
  const { applying, others: more = [] } = inputs;
  const own = rolloutConditions({
    spec: cluster.spec,
    rollout,
    down,
    ...(applying !== undefined && { applying }),
  });
  return [...own, ...more.filter(({ type }) => own.every((one) => one.type !== type))];
}

function messageOf({ cluster, rollout }: StatusInputs, conditions: readonly Condition[]): string {
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' && rollout !== undefined)
    return describe(cluster.spec.rollout, rollout).slice(0, 2048);
  return (ready?.message ?? '').slice(0, 2048);
}

function canaryOf({ cluster, rollout }: StatusInputs): Pick<MemoryClusterStatus, 'canary'> {
  const run = rollout?.run;
  if (rollout === undefined || run === undefined || run.kind === 'Return' || rollout.state === 'Installing') {
    return {};
  }
  const { stepStartedAt, eligibleAt, lastVerdict } = run;
  return {
    canary: {
      revision: run.revision,
      weight: weightText(rollout),
      step: stepText(rollout, cluster.spec.rollout),
      hold: holdText(rollout, cluster.spec.rollout),
      ...(lastVerdict !== undefined && { verdict: lastVerdict.verdict }),
      ...(stepStartedAt !== undefined && { stepStartedAt }),
      ...(eligibleAt !== undefined && { eligibleAt }),
    },
  };
}
