import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Registry } from 'prom-client';
import { Duration } from '../../api/duration.js';
import type { MemoryAction } from '../../api/memory-action.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { TuningProfile } from '../../api/tuning-profile.js';
import type { SampleStore } from '../../metrics/sample-store.js';
import type { Logger } from '../../../services/common/logger.js';
import { clusterStatus } from '../../cluster/status.js';
import { tuningSamples } from '../../metrics/tuning-samples.js';
import { actionStatus, byAge, concerns, keptActions } from '../../reconcile/action-status.js';
import { createOperatorMetrics, type OperatorMetrics } from '../../reconcile/operator-metrics.js';
import { profileStatus } from '../../reconcile/profile-status.js';
import { reconcileCluster, type Platform, type Reconciled, type Subject } from '../../reconcile/reconcile.js';
import type { Machine } from './machine.js';
import { localPlatform } from './platform.js';
import type { ResourceStore, Snapshot, StoredResource } from './resources/store.js';
import { Sampler } from './sampler.js';

/** What the operator's loop works with. */
export interface OperatorContext {
  readonly machine: Machine;
  readonly store: ResourceStore;
  readonly samples: SampleStore;
  readonly registry: Registry;
  readonly now: () => Date;
}

const tickMs = 1_000;
/** The one namespace of a machine. */
const namespace = 'default';
const order = ['mcp-gateway', 'sleep-scheduler', 'koopman-learner', 'sparse-pruner', 'episodic-vault'];

/**
 * The operator on one machine: every second, and at once when a file changes or a process ends, it looks at all resources
 * and moves one step towards what they want.
 */
export class LocalOperator {
  readonly #context: OperatorContext;
  readonly #platform: Platform;
  readonly #sampler: Sampler;
  readonly #metrics: OperatorMetrics;
  #wake: () => void = () => undefined;
  #lastPass = 0;
  #refused = '';

  constructor(context: OperatorContext) {
    this.#context = context;
    this.#platform = localPlatform(context.machine);
    this.#sampler = new Sampler(context.samples, context.machine);
    this.#metrics = createOperatorMetrics(context.registry);
  }

  /** True while passes are made; a loop that hangs is not alive. */
  get alive(): boolean {
    return this.#context.now().getTime() - this.#lastPass < 60_000;
  }

  /** Ends the wait for the next pass. */
  wake(): void {
    this.#wake();
  }

  /** Passes until the signal aborts. A pass that fails is logged, and the next one starts from what is stored. */
  async run(signal: AbortSignal): Promise<void> {
    const { machine, store } = this.#context;
    await machine.supervisor.adopt();
    store.watch(signal, () => this.wake());
    while (!signal.aborted) {
      try {
        await this.#pass();
      } catch (error) {
        this.#metrics.failures.inc();
        machine.logger.error({ err: error }, 'a pass failed; the next one starts from what is stored');
      }
      this.#lastPass = this.#context.now().getTime();
      await this.#pause(signal);
    }
  }

  /** Stops every process in an order in which nobody waits for one that is gone. */
  async stopAll(): Promise<void> {
    const { supervisor } = this.#context.machine;
    for (const program of order) {
      await Promise.all(
        supervisor.keys.filter((key) => key.endsWith(`/${program}`)).map((key) => supervisor.stop(key)),
      );
    }
    await this.#context.samples.flush();
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(tickMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(
      () => undefined,
    );
  }

  async #pass(): Promise<void> {
    const { store, machine, now } = this.#context;
    const { resources, problems } = store.read();
    this.#tellRefused(problems);
    const clusters = resources.filter(isCluster).sort(byAge);
    const [cluster, ...others] = clusters;
    for (const other of others) this.#refuseSecond(other);
    if (cluster === undefined) {
      await machine.supervisor.reconcile([]);
    } else {
      await this.#reconcile(cluster, resources);
    }
    this.#collect(store);
    this.#metrics.passes.inc();
    this.#metrics.lastPass.set(now().getTime() / 1_000);
  }

  /** A manifest stays refused until somebody edits it: that is told once, not at every pass. */
  #tellRefused(problems: Snapshot['problems']): void {
    const refused = JSON.stringify(problems);
    if (refused === this.#refused) return;
    this.#refused = refused;
    for (const { file, problems: found } of problems) {
      this.#context.machine.logger.warn({ file, found }, 'a manifest is refused');
    }
  }

  async #reconcile(
    cluster: StoredResource<MemoryCluster>,
    resources: readonly StoredResource[],
  ): Promise<void> {
    const { store, machine, samples, now } = this.#context;
    const profile = resources
      .filter(isProfile)
      .find(({ metadata }) => metadata.name === cluster.spec.tuningProfileRef?.name);
    const actions = resources
      .filter(isAction)
      .filter(({ status }) => status === undefined)
      .sort(byAge);
    const subject: Subject = {
      cluster,
      profile,
      actions: actions.filter((action) => concerns(action, cluster, profile)),
    };
    const interval = Duration.parse(cluster.spec.monitoring.interval).milliseconds;
    await this.#sampler.sample(interval, profile, now().getTime());
    const { name } = cluster.metadata;
    const result = await reconcileCluster(this.#platform, subject, {
      provider: samples,
      tuningSamples: ({ spec }) => tuningSamples(samples, spec),
      now: now(),
      persist(status) {
        store.writeStatus(cluster, status);
        return Promise.resolve();
      },
    });
    try {
      await result.carryOut();
    } finally {
      this.#answer(subject, result);
      this.#metrics.show({ namespace, name }, result);
    }
    if (profile !== undefined) {
      const users = [{ name, status: result.status }];
      const status = profileStatus(profile, profile.metadata.generation, users, now());
      if (!isDeepStrictEqual(status, profile.status)) store.writeStatus(profile, status);
    }
    tell(machine.logger, result);
  }

  #answer({ actions }: Subject, { answers }: Reconciled): void {
    const { store, now } = this.#context;
    for (const action of actions) {
      const answer = answers.find(({ uid }) => uid === action.metadata.uid);
      if (answer === undefined) continue;
      store.writeStatus(action, actionStatus(action.metadata.generation, answer, now()));
    }
  }

  #refuseSecond(cluster: StoredResource<MemoryCluster>): void {
    const { store, now } = this.#context;
    const reason =
      'the local platform runs one MemoryCluster, because ports are fixed; start another TORI_HOME with a TORI_PORT_OFFSET';
    const problems = [{ path: 'metadata.name', value: cluster.metadata.name, reason }];
    const { generation } = cluster.metadata;
    const status = clusterStatus({ cluster, generation, services: [], endpoints: {}, problems }, now());
    if (!isDeepStrictEqual(status, cluster.status)) store.writeStatus(cluster, status);
  }

  /** Forgets resources whose files are gone, with their data where that is wanted, and the oldest answered actions. */
  #collect(store: ResourceStore): void {
    const { machine } = this.#context;
    const snapshot = store.read();
    for (const { kind, name, manifest } of store.orphans(snapshot)) {
      if (kind === 'MemoryCluster') removeCluster(machine, (manifest as unknown as MemoryCluster).spec);
      store.forget(kind, name);
    }
    const answered = snapshot.resources
      .filter(isAction)
      .filter(({ status }) => status !== undefined)
      .sort(byAge);
    for (const { kind, metadata } of answered.slice(0, -keptActions)) store.delete(kind, metadata.name);
  }
}

function removeCluster({ home, logger }: Machine, spec: MemoryCluster['spec']): void {
  if (spec.storage.deletionPolicy !== 'Delete' || !existsSync(home.data)) return;
  logger.warn({ folder: home.data }, 'deleting the data of a cluster with deletionPolicy Delete');
  rmSync(join(home.data), { recursive: true, force: true });
}

function tell(logger: Logger, { decision, answers }: Reconciled): void {
  for (const adjustment of decision?.tuning?.adjustments ?? []) logger.info({ adjustment }, 'tuned');
  for (const answer of answers) logger.info({ answer }, 'action answered');
}

function isCluster(resource: StoredResource): resource is StoredResource<MemoryCluster> {
  return resource.kind === 'MemoryCluster';
}

function isProfile(resource: StoredResource): resource is StoredResource<TuningProfile> {
  return resource.kind === 'TuningProfile';
}

function isAction(resource: StoredResource): resource is StoredResource<MemoryAction> {
  return resource.kind === 'MemoryAction';
}
