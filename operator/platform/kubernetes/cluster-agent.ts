import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { Plan, Platform, Seen, Stored, Work } from '../../reconcile/reconcile.js';
import type { Statement } from '../../api/conditions.js';
import { ApiError, keyOf, type KubeObject } from '../../runtime/index.js';
import { BackgroundJobs } from '../../tracks/background.js';
import { TrackDuties } from '../../tracks/duties.js';
import { gatewayEpoch } from '../../tracks/gateway-epoch.js';
import { canaryVolumes, removeCanaryVolumes } from './canary-volumes.js';
import { TakenError } from './children.js';
import { ClaimGrowth } from './claim-growth.js';
import { confirmUnchanged } from './confirm.js';
import { endpointsOf } from './endpoints.js';
import { configMapType, deploymentType, kindKey, statefulSetType, type ChildKind } from './kinds.js';
import { labels, shardsName } from './render/names.js';
import { troubleOf } from './pod-trouble.js';
import { kubernetesProblems } from './problems.js';
import { ReferencedSecrets } from './referenced-secrets.js';
import { Sampler } from './sampler.js';
import { SecretMaker } from './secrets.js';
import { TablePublisher } from './shard-table.js';
import type { Shared } from './shared.js';
import type { Pod } from './trim.js';
import { StateDocuments, stateName } from './state-documents.js';
import { LazyTracks } from './lazy-tracks.js';
import { WantedObjects, type Wanted } from './wanted-objects.js';
import { serviceStatuses, servicesSeen, trackObservation, type ServiceSeen } from './workload-status.js';

/** After a job failed it is asked for again, in milliseconds: soon at first, and then with more patience. */
const retryJobMs = 1_000;
const longestRetryMs = 60_000;
/** Jobs that lead to nothing but samples. */
const measured = ['probe', 'force-sleep'];

/**
 * One MemoryCluster on Kubernetes, with what this process remembers of it between passes. Everything remembered can be
 * lost: it only saves requests.
 */
export class ClusterAgent implements Platform {
  readonly sampler: Sampler;
  readonly #shared: Shared;
  readonly #secrets: SecretMaker;
  readonly #tracks: LazyTracks;
  readonly #duties: TrackDuties;
  readonly #jobs: BackgroundJobs;
  readonly #ended = new AbortController();
  readonly #table: TablePublisher;
  readonly #growth: ClaimGrowth;
  readonly #references: ReferencedSecrets;
  /** What this process knows of the cluster was the newest once. The caches of a new leader may lag behind the one before. */
  #confirmed = false;
  /** A canary is gone, and what was remembered of it is not yet: it is tried until it succeeds. */
  #remembersCanary = false;
  /** Jobs that failed since one was done. */
  #failures = 0;
  readonly #wanted: WantedObjects;
  #cluster: Stored<MemoryCluster>;
  #signal: AbortSignal;
  /** Conditions of the last attempt to bring things about. */
  #statements: readonly Statement[] = [];

  constructor(shared: Shared, cluster: Stored<MemoryCluster>) {
    const { client, logger, clock, addresses, stateFolder, signal, wake } = shared;
    const { name, namespace = '' } = cluster.metadata;
    const own = logger.child({ namespace, cluster: name });
    this.#shared = { ...shared, logger: own };
    this.#cluster = cluster;
    this.#signal = signal;
    this.#secrets = new SecretMaker(client, () => clock.monotonic());
    this.#tracks = new LazyTracks(
      (track) => addresses.track(this.#cluster, track),
      () => this.#secrets.known?.internalToken ?? '',
    );
    this.#jobs = new BackgroundJobs(own, (job, outcome) => {
      if (this.#ended.signal.aborted) return;
      // Thousands of connections at rest would cost more than opening one anew costs the next job.
      if (this.#jobs.idle) this.#tracks.close();
      this.#failures = outcome === 'done' ? 0 : this.#failures + 1;
      const delayMs = outcome === 'done' ? 0 : Math.min(retryJobMs * 2 ** this.#failures, longestRetryMs);
      // A probe and a sleep show in what is measured, which is looked at when it comes.
      if (outcome === 'failed' || !measured.includes(job)) wake(keyOf(this.#cluster), delayMs);
    });
    this.#duties = new TrackDuties({
      documents: new StateDocuments(client, () => this.#cluster),
      jobs: this.#jobs,
      tracks: this.#tracks,
      logger: own,
      now: () => new Date(clock.now()),
      signal: AbortSignal.any([signal, this.#ended.signal]),
    });
    this.#growth = new ClaimGrowth(client, () => clock.monotonic());
    this.#references = new ReferencedSecrets(client, () => clock.monotonic());
    this.#wanted = new WantedObjects(shared);
    this.#table = new TablePublisher({ client, caches: shared.caches, addresses });
    this.sampler = new Sampler({
      // Another cluster of this name must not go on with the samples of this one.
      folder: join(stateFolder, 'samples', namespace, name, cluster.metadata.uid),
      addresses,
      logger: own,
      now: () => clock.now(),
      prometheus: (one) => shared.prometheus.of(one),
    });
  }

  /** Which cluster it is: another one of the same name gets another agent. */
  get uid(): string {
    return this.#cluster.metadata.uid;
  }

  /** Begins a pass over the cluster as it is now. */
  begin(cluster: Stored<MemoryCluster>, signal: AbortSignal): void {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /** The cluster after its status was stored: deletions are made only while it still looks so. */
  stored(cluster: Stored<MemoryCluster>): void {
    this.#cluster = cluster;
    this.#confirmed = true;
  }

  problems(cluster: MemoryCluster) {
    return kubernetesProblems(cluster);
  }

  async observe(cluster: MemoryCluster): Promise<Seen> {
    const seen = this.services(cluster);
    const [gatewayEpochs, known, canary] = await Promise.all([
      this.#gatewayEpochs(cluster, seen),
      this.#duties.observe(cluster.status?.rollout),
      this.#observeCanary(cluster, seen),
    ]);
    return {
      observation: {
        stable: trackObservation(seen, 'stable') ?? { ready: false, message: 'no workload exists yet' },
        ...(canary !== undefined && { canary }),
        gatewayEpochs,
        ...known,
      },
      completion: this.#duties.completion,
      services: serviceStatuses(seen),
      endpoints: endpointsOf(cluster),
      statements: [...this.#statements, ...(await this.#missingSecrets(cluster, seen))],
    };
  }

  /** The cluster's workloads with their pods, as the caches show them. */
  services(cluster: MemoryCluster): ServiceSeen[] {
    const { caches, children } = this.#shared;
    return servicesSeen(caches, cluster, (type, workload) => children.isAhead(type, workload));
  }

  prepare(plan: Plan): Work {
    const { children } = this.#shared;
    // Known before the status is stored: when the answer to that is lost, the next pass finds the canary gone already.
    if (isWithoutCanary(plan)) this.#remembersCanary = true;
    const { cluster } = plan;
    const wanted = this.#wanted.of(plan);
    const first = cluster.status?.observedGeneration !== cluster.metadata.generation;
    const open = children.open(first ? wanted.objects : wanted.objects.filter(isStableWorkload)).length;
    return {
      ...(open > 0 && { applying: `${open} objects of this generation are being brought about` }),
      carryOut: () => this.#tellFailure(plan, wanted),
    };
  }

  /** What runs is left as it is; Kubernetes keeps it up. */
  keepUp(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends what this process does for the cluster. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#jobs.settled();
    this.#tracks.close();
  }

  async #missingSecrets(cluster: MemoryCluster, seen: readonly ServiceSeen[]): Promise<readonly Statement[]> {
    const complete = seen.length > 0 && serviceStatuses(seen).every(({ ready, wanted }) => ready >= wanted);
    return complete ? [] : this.#references.missing(cluster, this.#signal);
  }

  /** What cannot be brought about is told by the next pass, which comes by itself. */
  async #tellFailure(plan: Plan, wanted: Wanted): Promise<void> {
    const before = this.#statements;
    try {
      this.#statements = await this.#carryOut(plan, wanted);
    } catch (error) {
      const told = failureOf(error);
      if (told !== undefined) {
        this.#statements = [told];
        this.#shared.events.record(plan.cluster, 'ApplyFailed', told.message);
      }
      throw error;
    }
    if (!isDeepStrictEqual(before, this.#statements)) this.#shared.wake(keyOf(plan.cluster), 0);
  }

  /** Capacity before traffic, traffic before what is no longer wanted goes. */
  async #carryOut(plan: Plan, wanted: Wanted): Promise<readonly Statement[]> {
    const { children, client } = this.#shared;
    const { cluster, observation } = plan;
    const signal = this.#signal;
    if (!this.#confirmed) await confirmUnchanged(client, this.#cluster, signal);
    this.#confirmed = true;
    await this.#secrets.ensure(cluster, !observation.stable.ready, signal);
    if (this.#remembersCanary && observation.canary === undefined) await this.#forgetCanary();
    const missing = await children.apply(wanted.objects, signal);
    const notGrown = await this.#growth.grow(cluster, wanted.claims, signal);
    await this.#table.publish(plan, signal);
    this.#duties.perform(plan.intents, plan);
    await this.#removeUnwanted(plan, wanted.objects);
    if (removesCanary(plan)) {
      const drained = observation.drain?.verified === true;
      await removeCanaryVolumes(client, this.#cluster, { drained, signal });
    }
    await this.#hint(plan);
    return [...notGrown, ...missing.map(addOnMissing)];
  }

  async #forgetCanary(): Promise<void> {
    await this.#duties.forgetCanary();
    this.#tracks.forget('canary');
    this.#remembersCanary = false;
  }

  async #removeUnwanted(plan: Plan, wanted: readonly KubeObject[]): Promise<void> {
    const { children, client } = this.#shared;
    const { cluster } = plan;
    const { name } = cluster.metadata;
    const kept = [shardsName(name), stateName(name)].map((map) => `${kindKey(configMapType)} ${map}`);
    const unwanted = children.unwanted(cluster, wanted, kept).filter((child) => mayGo(child, plan));
    if (unwanted.length === 0) return;
    await confirmUnchanged(client, this.#cluster, this.#signal);
    await children.remove(unwanted, this.#signal);
  }

  /** The gateways' epochs, asked for only while somebody waits for them. */
  async #gatewayEpochs(cluster: MemoryCluster, seen: readonly ServiceSeen[]): Promise<number[]> {
    if (!waitsForGateways(cluster)) return [];
    const pods = readyGateways(seen);
    const epochs = await Promise.all(
      pods.map(async (pod) => {
        const base = this.#shared.addresses.gateway(pod);
        return base === undefined ? undefined : gatewayEpoch(base);
      }),
    );
    // A gateway that is ready and does not say what it serves may serve anything: then nothing is known.
    if (epochs.some((epoch) => epoch === undefined)) return [];
    return epochs.filter((epoch) => epoch !== undefined);
  }

  async #hint(plan: Plan): Promise<void> {
    if (plan.rollout.run === undefined || plan.rollout.run.stepStartedAt !== undefined) return;
    const pods = readyGateways(this.services(plan.cluster));
    await this.#table.hint(pods, plan.rollout.table.epoch, this.#signal);
  }

  /** While a workload, a pod or a volume of it is there the canary is not gone. */
  async #observeCanary(
    cluster: MemoryCluster,
    seen: readonly ServiceSeen[],
  ): Promise<Seen['observation']['canary']> {
    const workloads = trackObservation(seen, 'canary');
    if (workloads !== undefined || cluster.status?.rollout?.state !== 'Removing') return workloads;
    const { client, caches } = this.#shared;
    const pods = caches.pods
      .by('cluster', keyOf(cluster))
      .filter(({ metadata }) => metadata.labels?.[labels.track] === 'canary');
    const { drain } = await this.#duties.observe(cluster.status.rollout);
    const scope = { drained: drain?.verified === true, signal: this.#signal };
    const left = pods.length > 0 || (await canaryVolumes(client, cluster, scope)).length > 0;
    return left ? { ready: false, message: 'the canary is being removed' } : undefined;
  }
}

/** Whether somebody waits until the gateways serve the table: the rollout, or an installation that finds some running. */
function waitsForGateways({ status }: MemoryCluster): boolean {
  const run = status?.rollout?.run;
  return run !== undefined && run.stepStartedAt === undefined;
}

function readyGateways(seen: readonly ServiceSeen[]): Pod[] {
  return seen
    .filter(({ service }) => service === 'gateway')
    .flatMap(({ pods }) => pods.filter((pod) => troubleOf(pod) === undefined));
}

function removesCanary({ intents }: Plan): boolean {
  return intents.some(({ type }) => type === 'removeCanary');
}

/** Before a canary is made, and after it is gone: what is remembered then is of an earlier one. */
function isWithoutCanary({ cluster, observation, rollout }: Plan): boolean {
  if (observation.canary !== undefined) return false;
  return rollout.state === 'Starting' || cluster.status?.rollout?.state === 'Removing';
}

/**
 * What holds episodes goes only when a canary is to go, which is after its drain, and stable's never: whatever a plan has
 * left out, its volumes may go with it.
 */
export function mayGo({ kind, metadata }: KubeObject, plan: Plan): boolean {
  const track = metadata.labels?.[labels.track];
  if (kind !== statefulSetType.kind || track === undefined) return true;
  return track === 'canary' && removesCanary(plan);
}

function isStableWorkload({ kind, metadata }: KubeObject): boolean {
  const workload = kind === statefulSetType.kind || kind === deploymentType.kind;
  return workload && metadata.labels?.[labels.track] !== 'canary';
}

function addOnMissing({ type: { kind }, askedBy = 'the spec' }: ChildKind): Statement {
  const message = `${askedBy} asks for a ${kind}, and this API server does not serve that kind`;
  return { type: 'AddOnMissing', status: 'True', reason: 'KindNotServed', message };
}

/** What the API server refused; undefined for a conflict, which is only somebody else's being faster. */
function failureOf(error: unknown): Statement | undefined {
  if (error instanceof TakenError) {
    return { type: 'ApplyFailed', status: 'True', reason: 'NameTaken', message: error.message };
  }
  if (!(error instanceof ApiError) || error.reason === 'Conflict') return undefined;
  const reason = error.reason === '' ? 'Failed' : error.reason;
  return { type: 'ApplyFailed', status: 'True', reason, message: error.message.slice(0, 1_024) };
}
