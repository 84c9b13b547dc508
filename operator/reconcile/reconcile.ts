import { isDeepStrictEqual } from 'node:util';
import type { Statement } from '../api/conditions.js';
import type { MemoryAction } from '../api/memory-action.js';
import type { MemoryCluster, MemoryClusterStatus, ServiceStatus } from '../api/memory-cluster.js';
import { problemText, type ManifestProblem } from '../api/problem.js';
import type { TuningProfile } from '../api/tuning-profile.js';
import { decideCluster, type ActionAnswer, type ClusterDecision } from '../cluster/decide.js';
import { clusterStatus, type StatusInputs } from '../cluster/status.js';
import type { MetricObservation, Observation } from '../rollout/observation.js';
import type { MetricsProvider } from '../samples/series.js';
import type { TuningSamples } from '../tuning/tune.js';
import { measure } from './measure.js';
import { worthStoring } from './quiet.js';

/** A resource as the platform keeps it. */
export type Stored<R extends MemoryCluster | TuningProfile | MemoryAction> = R & {
  readonly metadata: R['metadata'] & {
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
  };
};

/** A cluster with what belongs to it. */
export interface Subject {
  readonly cluster: Stored<MemoryCluster>;
  readonly profile: TuningProfile | undefined;
  /** Not answered yet, oldest first. */
  readonly actions: readonly Stored<MemoryAction>[];
}

/** What a platform sees of a cluster. */
export interface Seen {
  readonly observation: Omit<Observation, 'step' | 'metrics'>;
  /** The last run of the held-out probe set. */
  readonly completion: { readonly completion?: MetricObservation };
  readonly services: readonly ServiceStatus[];
  readonly endpoints: Readonly<Record<string, string>>;
  /** Conditions that only this platform knows. */
  readonly statements: readonly Statement[];
}

/** A decision with what it was made of: what a platform brings about. */
export interface Plan extends ClusterDecision {
  readonly cluster: Stored<MemoryCluster>;
  readonly observation: Observation;
}

/** What a plan takes. */
export interface Work {
  /** What of the spec is not brought about yet; absent when everything is. */
  readonly applying?: string;
  /** Brings it about. Long work is begun, not awaited. Doing it again changes nothing. */
  carryOut(): Promise<void>;
}

/** Where a cluster runs. One implementation a platform; what is decided is the same on all of them. */
export interface Platform {
  /** What this platform cannot run though the manifest is valid. */
  problems(cluster: MemoryCluster): readonly ManifestProblem[];
  observe(cluster: MemoryCluster): Promise<Seen>;
  /** Finds out what a plan takes, without doing any of it. */
  prepare(plan: Plan): Work;
  /** Keeps up what runs, for a cluster whose spec is refused. */
  keepUp(): Promise<void>;
}

/** Where samples come from, what time it is, and where status goes. */
export interface Surroundings {
  readonly provider: MetricsProvider;
  readonly tuningSamples: (profile: TuningProfile) => Promise<TuningSamples>;
  readonly now: Date;
  /** Stores a status that differs from the one that was read. @throws when somebody else was faster */
  readonly persist: (status: MemoryClusterStatus) => Promise<void>;
}

/** What a pass led to, for the report. */
export interface Reconciled {
  readonly status: MemoryClusterStatus;
  readonly answers: readonly ActionAnswer[];
  readonly decision: ClusterDecision | undefined;
  /** Brings about what was decided. Whether it succeeds or not, all else of this is true. */
  readonly carryOut: () => Promise<void>;
}

/**
 * One pass over a cluster: observe → decide → report, and then {@link Reconciled.carryOut}. What is decided is stored before
 * it is carried out, so that an operator that is killed in between derives the same intents again, and one that was
 * overtaken carries out nothing.
 */
export async function reconcileCluster(
  platform: Platform,
  subject: Subject,
  around: Surroundings,
): Promise<Reconciled> {
  const { cluster, profile } = subject;
  const { provider, now } = around;
  const problems = platform.problems(cluster);
  const seen = await platform.observe(cluster);
  if (problems.length > 0) return refuse(platform, subject, { ...seen, problems }, around);

  const measured = await measure(cluster, seen.observation, { provider, now });
  const metrics = { ...measured.metrics, ...seen.completion };
  const observation: Observation = { ...seen.observation, step: measured.step, metrics };
  const samples = profile === undefined ? {} : await around.tuningSamples(profile);
  const decision = decideCluster({ ...subject, observation, samples, now });

  const work = platform.prepare({ ...decision, cluster, observation });
  const status = await report(cluster, decided(decision, seen, work), around);
  return { status, answers: decision.answers, decision, carryOut: () => work.carryOut() };
}

function decided({ rollout, tuning, statements }: ClusterDecision, seen: Seen, { applying }: Work): Said {
  return {
    ...(applying !== undefined && { applying }),
    rollout,
    services: seen.services,
    ...(tuning !== undefined && { tuning: tuning.status }),
    endpoints: seen.endpoints,
    problems: [],
    others: [...statements, ...seen.statements],
  };
}

type Said = Omit<StatusInputs, 'cluster' | 'generation'>;

/** Writes the status where it says something new. */
async function report(
  cluster: Stored<MemoryCluster>,
  said: Said,
  { now, persist }: Surroundings,
): Promise<MemoryClusterStatus> {
  const { generation } = cluster.metadata;
  const fresh = clusterStatus({ cluster, generation, ...said }, now);
  const status = worthStoring(cluster, fresh, now);
  if (!isDeepStrictEqual(status, cluster.status)) await persist(status);
  return status;
}

/** What the status of an action has room for. */
const longestMessage = 1_024;

/** What runs is kept up as it is; the status says what is wrong with the new spec, and so does the answer to every action. */
async function refuse(
  platform: Platform,
  { cluster, actions }: Subject,
  { services, endpoints, problems }: Seen & { readonly problems: readonly ManifestProblem[] },
  around: Surroundings,
): Promise<Reconciled> {
  const { rollout, tuning } = cluster.status ?? {};
  const said = {
    services,
    endpoints,
    problems,
    ...(rollout !== undefined && { rollout }),
    ...(tuning !== undefined && { tuning }),
  };
  const reason = problems.map(problemText).join('; ');
  const message = `nothing is decided while the spec is refused: ${reason}`.slice(0, longestMessage);
  const answers = actions.map(({ metadata: { uid } }): ActionAnswer => {
    // It may have been carried out before the spec was changed, and only its answer was lost.
    const before = rollout?.handled.find((one) => one.uid === uid);
    return before === undefined
      ? { uid, outcome: 'Refused', message }
      : { uid, outcome: before.outcome, message: before.message };
  });
  const status = await report(cluster, said, around);
  return { status, answers, decision: undefined, carryOut: () => platform.keepUp() };
}
