import { isDeepStrictEqual } from 'node:util';
import type { MemoryAction } from '../../api/memory-action.js';
import type { MemoryCluster, MemoryClusterStatus } from '../../api/memory-cluster.js';
import type { RolloutStatus } from '../../api/rollout-status.js';
import { clusterStatus } from '../../cluster/status.js';
import { actionStatus, byAge } from '../../reconcile/action-status.js';
import type { ClusterKey } from '../../reconcile/operator-metrics.js';
import { reconcileCluster, type Reconciled, type Stored, type Subject } from '../../reconcile/reconcile.js';
import { isNotFound, refOf, type ReconcileResult } from '../../runtime/index.js';
import { answeredBy } from './action-routing.js';
import { ClusterAgent } from './cluster-agent.js';
import { happenings, newAdjustments } from './happenings.js';
import { actionType, clusterType } from './kinds.js';
import { lookAgainMs } from './referenced-secrets.js';
import { requeueAfterMs } from './requeue.js';
import type { Shared } from './shared.js';
import { StatusWriter } from './status-writer.js';

/** Reconciles MemoryClusters, one key at a time. */
export class ClusterOperator {
  readonly #shared: Shared;
  readonly #agents = new Map<string, ClusterAgent>();
  readonly #clusters: StatusWriter<MemoryCluster>;
  readonly #actions: StatusWriter<MemoryAction>;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#clusters = new StatusWriter(shared.client, clusterType);
    this.#actions = new StatusWriter(shared.client, actionType);
  }

  /** One pass over the cluster of a key. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { caches, metrics, clock } = this.#shared;
    const cached = caches.clusters.get(key);
    if (cached === undefined) {
      await this.#forget(key);
      return undefined;
    }
    const cluster = this.#clusters.newest(cached) as Stored<MemoryCluster>;
    if (cluster.metadata.deletionTimestamp !== undefined) return this.#terminating(cluster, signal);
    try {
      const result = await this.#pass(key, cluster, signal);
      metrics.passes.inc();
      return result;
    } catch (error) {
      metrics.failures.inc();
      throw error;
    } finally {
      metrics.lastPass.set(clock.now() / 1_000);
    }
  }

  /** Ends what this process does for all clusters, and says no more of them: another operator leads. */
  async close(): Promise<void> {
    for (const key of this.#agents.keys()) this.#forgetMetrics(key);
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.#agents.clear();
  }

  async #pass(key: string, cluster: Stored<MemoryCluster>, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock, metrics } = this.#shared;
    const agent = this.#agent(key, cluster);
    agent.begin(cluster, signal);
    const now = new Date(clock.now());
    const subject = this.#subject(cluster);
    const { profile } = subject;
    const seen = agent.services(cluster);
    const needsSamples = readsSamples(cluster, cluster.status?.rollout);
    const provider = await agent.sampler.provider(cluster, { seen, profile, needsSamples }, signal);
    const result = await reconcileCluster(agent, subject, {
      provider,
      tuningSamples: (wanted) => agent.sampler.tuningSamples(cluster, wanted, provider),
      now,
      persist: async (status) => {
        const stored = await this.#clusters.write(cluster, status, signal);
        agent.stored(stored as Stored<MemoryCluster>);
        this.#tell(subject, status);
      },
    });
    try {
      await result.carryOut();
    } finally {
      await this.#answer(subject, result, signal);
      metrics.show(identity(cluster), result);
    }
    const hasPods = seen.some(({ pods }) => pods.length > 0);
    const unanswered = result.answers.length < subject.actions.length;
    return { requeueAfterMs: this.#requeue(agent, cluster, result, { hasPods, unanswered, now }) };
  }

  #requeue(
    agent: ClusterAgent,
    cluster: Stored<MemoryCluster>,
    { status }: Reconciled,
    {
      hasPods,
      unanswered,
      now,
    }: { readonly hasPods: boolean; readonly unanswered: boolean; readonly now: Date },
  ): number | undefined {
    const reads = hasPods && readsSamples(cluster, status.rollout);
    const scrapeMs = reads ? agent.sampler.msToNextRound(cluster) : undefined;
    const missing = status.conditions.some(({ type }) => type === 'SecretMissing');
    const waits = [scrapeMs, missing || unanswered ? lookAgainMs : undefined].filter(
      (ms) => ms !== undefined,
    );
    return requeueAfterMs(status, now, waits);
  }

  #agent(key: string, cluster: Stored<MemoryCluster>): ClusterAgent {
    const known = this.#agents.get(key);
    if (known?.uid === cluster.metadata.uid) return known;
    void known?.close().then(() => known.sampler.forget());
    const agent = new ClusterAgent(this.#shared, cluster);
    this.#agents.set(key, agent);
    return agent;
  }

  #subject(cluster: Stored<MemoryCluster>): Subject {
    const { caches } = this.#shared;
    const { namespace = '' } = cluster.metadata;
    const named = cluster.spec.tuningProfileRef?.name;
    const profile = named === undefined ? undefined : caches.profiles.get(`${namespace}/${named}`);
    const actions = answeredBy(caches, cluster)
      .map((action) => this.#actions.newest(action))
      .filter(({ status }) => status === undefined)
      .sort(byAge) as Stored<MemoryAction>[];
    return { cluster, profile, actions };
  }

  /** Each action is answered once: its status is written with the version that was read. */
  async #answer({ actions }: Subject, { answers }: Reconciled, signal: AbortSignal): Promise<void> {
    const { events, clock } = this.#shared;
    for (const action of actions) {
      const answer = answers.find(({ uid }) => uid === action.metadata.uid);
      if (answer === undefined) continue;
      const status = actionStatus(action.metadata.generation, answer, new Date(clock.now()));
      try {
        await this.#actions.write(action, status, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        continue;
      }
      const reason = answer.outcome === 'Accepted' ? 'ActionAccepted' : 'ActionRefused';
      const { action: name, requestedBy } = action.spec;
      events.record(action, reason, `${name} by ${requestedBy}: ${answer.message}`);
    }
  }

  /** What was decided is told when it is stored, not when it is done: it cannot be taken back any more. */
  #tell({ cluster, profile }: Subject, status: MemoryClusterStatus): void {
    const { events, logger } = this.#shared;
    for (const adjustment of newAdjustments(cluster.status, status)) {
      logger.info({ ...identity(cluster), adjustment }, 'tuned');
    }
    for (const { reason, note, tuning } of happenings(cluster.status, status)) {
      events.record(cluster, reason, note);
      if (tuning && profile !== undefined) {
        events.record(profile, reason, `${cluster.metadata.name}: ${note}`);
      }
    }
  }

  /** Nothing is to be done: owner references take what goes, and volumes stay where that is wanted. */
  async #terminating(cluster: Stored<MemoryCluster>, signal: AbortSignal): Promise<undefined> {
    const { services = [], endpoints = {}, rollout, tuning } = cluster.status ?? {};
    const status = clusterStatus(
      {
        cluster,
        generation: cluster.metadata.generation,
        services,
        endpoints,
        problems: [],
        ...(rollout !== undefined && { rollout }),
        ...(tuning !== undefined && { tuning }),
      },
      new Date(this.#shared.clock.now()),
    );
    if (isDeepStrictEqual(status, cluster.status)) return;
    await this.#clusters.write(cluster, status, signal);
  }

  async #forget(key: string): Promise<void> {
    const agent = this.#agents.get(key);
    this.#agents.delete(key);
    this.#clusters.forget(key);
    this.#shared.prometheus.forget(key);
    this.#forgetMetrics(key);
    await agent?.close();
    await agent?.sampler.forget();
  }

  #forgetMetrics(key: string): void {
    const { namespace = '', name } = refOf(key);
    this.#shared.metrics.forget({ namespace, name });
  }
}

/** Whether somebody decides by samples: a tuner, or the analysis of a canary. */
function readsSamples({ spec }: MemoryCluster, rollout: RolloutStatus | undefined): boolean {
  const analyses = rollout?.run !== undefined && rollout.state !== 'Installing';
  return spec.tuningProfileRef !== undefined || analyses;
}

function identity({ metadata: { name, namespace = '' } }: MemoryCluster): ClusterKey {
  return { namespace, name };
}
