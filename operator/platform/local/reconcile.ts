import { isDeepStrictEqual } from 'node:util';
import { localProblems } from '../../api/local.js';
import type { MemoryAction } from '../../api/memory-action.js';
import type { MemoryCluster, MemoryClusterStatus, ServiceStatus } from '../../api/memory-cluster.js';
import type { ManifestProblem } from '../../api/problem.js';
import type { TuningProfile } from '../../api/tuning-profile.js';
import { decideCluster, type ActionAnswer, type ClusterDecision } from '../../cluster/decide.js';
import { clusterStatus } from '../../cluster/status.js';
import { tuningSamples } from '../../metrics/tuning-samples.js';
import type { MetricsProvider } from '../../samples/series.js';
import { execute } from './execute.js';
import type { Machine } from './machine.js';
import { observe } from './observe.js';
import { buildOf } from './processes.js';
import type { StoredResource } from './resources/store.js';
import { serviceStatuses } from './service-status.js';

/** A cluster with what belongs to it. */
export interface Subject {
  readonly cluster: StoredResource<MemoryCluster>;
  readonly profile: TuningProfile | undefined;
  readonly actions: readonly StoredResource<MemoryAction>[];
}

/** Where samples come from, what time it is, and where status goes. */
export interface Surroundings {
  readonly provider: MetricsProvider;
  readonly now: Date;
  readonly persist: (status: MemoryClusterStatus) => void;
}

/** What a pass led to, for the report. */
export interface Reconciled {
  readonly status: MemoryClusterStatus;
  readonly answers: readonly ActionAnswer[];
  readonly decision: ClusterDecision | undefined;
}

/**
 * One pass over a cluster: observe → decide → apply → report. What is decided is stored before it is carried out, so that
 * an operator that is killed in between derives the same intents again.
 */
export async function reconcileCluster(
  machine: Machine,
  subject: Subject,
  around: Surroundings,
): Promise<Reconciled> {
  const { cluster, profile } = subject;
  const { provider, now } = around;
  const problems = [...localProblems(cluster), ...versionProblems(machine, cluster)];
  if (problems.length > 0) return refuse(machine, cluster, problems, around);

  const observation = await observe(machine, cluster, provider, now);
  const samples = profile === undefined ? {} : await tuningSamples(provider, profile.spec);
  const decision = decideCluster({ ...subject, observation, samples, now });
  report(cluster, decision, cluster.status?.services ?? [], around);

  const { rollout, intents, parametersOf } = decision;
  const { canarySleeps } = observation.step;
  const reports = await execute(machine, { cluster, rollout, intents, parametersOf, canarySleeps });
  if (rollout.state === 'Holding' && observation.canary?.ready === true) machine.completion.ensure();

  const status = report(cluster, decision, serviceStatuses(reports), around);
  return { status, answers: decision.answers, decision };
}

function report(
  cluster: StoredResource<MemoryCluster>,
  { rollout, tuning, statements }: ClusterDecision,
  services: readonly ServiceStatus[],
  { now, persist }: Surroundings,
): MemoryClusterStatus {
  const status = clusterStatus(
    {
      cluster,
      generation: cluster.metadata.generation,
      rollout,
      services,
      ...(tuning !== undefined && { tuning: tuning.status }),
      endpoints: cluster.status?.endpoints ?? {},
      problems: [],
      others: statements,
    },
    now,
  );
  if (!isDeepStrictEqual(status, cluster.status)) persist(status);
  return status;
}

/** What runs is kept up as it is; the status says what is wrong with the new spec. */
async function refuse(
  machine: Machine,
  cluster: StoredResource<MemoryCluster>,
  problems: readonly ManifestProblem[],
  { now, persist }: Surroundings,
): Promise<Reconciled> {
  const reports = await machine.supervisor.reconcile();
  const { endpoints = {}, rollout, tuning } = cluster.status ?? {};
  const status = clusterStatus(
    {
      cluster,
      generation: cluster.metadata.generation,
      services: serviceStatuses(reports),
      endpoints,
      problems,
      ...(rollout !== undefined && { rollout }),
      ...(tuning !== undefined && { tuning }),
    },
    now,
  );
  if (!isDeepStrictEqual(status, cluster.status)) persist(status);
  return { status, answers: [], decision: undefined };
}

function versionProblems(machine: Machine, { spec }: MemoryCluster): ManifestProblem[] {
  if (buildOf(spec.version, machine) !== undefined) return [];
  const reason = `is not installed: expected "current", "${machine.packageVersion}" or a build in ${machine.home.versions}`;
  return [{ path: 'spec.version', value: spec.version, reason }];
}
