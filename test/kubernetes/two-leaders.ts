import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutState, RolloutStatus } from '../../operator/api/rollout-status.js';
import { clusterType, profileType } from '../../operator/platform/kubernetes/kinds.js';
import {
  createInformer,
  resourceType,
  type Informer,
  type KubeObject,
} from '../../operator/runtime/index.js';
import { startFaultProxy, type FaultProxy } from '../cluster/fault-proxy.js';
import type { Audit, Load } from '../harness/load.js';
import { makeAccount } from './account.js';
import { startLoad } from './life.js';
import type { OperatorProcess } from './operator.js';
import { climbingCluster, climbingProfile } from './tuned.js';
import type { AuditEntry, World } from './world.js';
import {
  brokenChain,
  storedAdjustments,
  storedStatuses,
  succeeded,
  wayOf,
  writesWithoutLease,
} from './written.js';

/** What happens to the leader. */
export type Blow = 'cut off' | 'stopped';

/** How one rollout went in which the leader was struck. */
export interface Takeover {
  readonly state: RolloutState;
  readonly blow: Blow;
  /** From the blow to the first write of the other. */
  readonly secondsToTakeOver: number;
  /** Writes that succeeded without the lease, see {@link writesWithoutLease}. */
  readonly late: readonly string[];
  /** Writes of the old leader that the API server refused, from the blow on. */
  readonly refused: number;
  /** Way of this rollout alone, see {@link wayOf}. */
  readonly way: readonly string[];
  readonly outcomes: readonly string[];
  /** How often an answer to the MemoryAction of this rollout was stored. */
  readonly answers: number;
}

/** What was done over all takeovers together. */
export interface Totals {
  readonly adjustments: number;
  readonly brokenChain: readonly string[];
  readonly load: Audit;
}

interface Candidate {
  readonly user: string;
  readonly proxy: FaultProxy;
  readonly process: OperatorProcess;
}

interface Lease extends KubeObject {
  readonly spec?: { readonly holderIdentity?: string };
}

const leases = resourceType<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
const leaseSeconds = 15;
const cluster = 'memory';

/** Two operators, each behind a proxy of its own, and a cluster under load that both want to run. */
export class TwoLeaders {
  readonly #world: World;
  readonly #candidates: readonly Candidate[];
  readonly #load: Load;
  readonly #leases: Informer<Lease>;
  readonly #closed = new AbortController();
  #rounds = 0;
  /** The last adjustment before the last round. */
  #lastAdjustment: string | undefined;

  private constructor(world: World, candidates: readonly Candidate[], load: Load) {
    this.#world = world;
    this.#leases = createInformer({ client: world.client, type: leases, namespaces: ['default'] });
    void this.#leases.run(this.#closed.signal);
    this.#candidates = candidates;
    this.#load = load;
  }

  static async start(world: World, seed: number): Promise<TwoLeaders> {
    const candidates: Candidate[] = [];
    for (const name of ['operator-a', 'operator-b']) {
      const account = await makeAccount(world, name);
      const proxy = await startFaultProxy(world.plane);
      const env = { POD_NAME: name, LEASE_SECONDS: String(leaseSeconds), WATCH_SECONDS: '6' };
      const process = world.operator({ kubeconfig: proxy.through(account.kubeconfig), env });
      candidates.push({ user: account.user, proxy, process });
    }
    await world.apply(profileType, climbingProfile({ factor: 1.05, start: 0.001, max: 0.1 }));
    await world.apply(clusterType, clusterOf(0));
    await world.condition(cluster, 'Ready', 'True', 240);
    return new TwoLeaders(world, candidates, await startLoad(world, cluster, seed));
  }

  /** A rollout in which the leader is struck when a state is first seen, and comes back after the other has begun. */
  async takeover(state: RolloutState, blow: Blow): Promise<Takeover> {
    const world = this.#world;
    this.#rounds++;
    const round = this.#rounds;
    await this.#tuned();
    const statusesBefore = storedStatuses(world.audit(), cluster).length;
    const before = (await this.#rollout())?.history[0]?.startedAt;
    const struck = this.#when(state, before).then(() => {
      const leader = this.#leader();
      strike(leader, blow);
      return { old: leader, at: Date.now() };
    });
    await world.apply(clusterType, clusterOf(round));
    const promoted = this.#when('Holding', before).then(() =>
      world.act(`promote-${round}`, 'promote', cluster),
    );
    const { old, at: struckAt } = await struck;
    const other = this.#candidates.find((one) => one !== old)!;
    const taken = await world.until(
      'the other operator writes',
      () => Promise.resolve(this.#firstWrite(other, struckAt)),
      (write) => write !== undefined,
      300,
    );
    await sleep(500);
    comeBack(old, blow);
    await promoted;
    await world.until(
      'the rollout has ended',
      () => this.#rollout(),
      (rollout) => rollout?.run === undefined && rollout?.history[0]?.startedAt !== before,
      600,
    );
    const late = writesWithoutLease(world.audit()).filter(
      ({ stageTimestamp }) => Date.parse(stageTimestamp) > struckAt,
    );
    const refused = this.#writes(old).filter(
      (entry) => Date.parse(entry.stageTimestamp) > struckAt && !succeeded(entry),
    );
    const statuses = storedStatuses(world.audit(), cluster).slice(Math.max(0, statusesBefore - 1));
    const done = await this.#answered(`promote-${round}`);
    return {
      state,
      blow,
      secondsToTakeOver: (Date.parse(taken!.stageTimestamp) - struckAt) / 1_000,
      late: late.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      refused: refused.length,
      way: wayOf(statuses),
      outcomes: (statuses.at(-1)?.rollout?.history ?? []).slice(0, 1).map(({ outcome }) => outcome),
      answers: done,
    };
  }

  /** Ends the load, and looks at everything that was done. */
  async end(): Promise<Totals> {
    await this.#load.stop();
    const load = await this.#load.audit();
    const adjustments = storedAdjustments(storedStatuses(this.#world.audit(), cluster));
    return { adjustments: adjustments.length, brokenChain: brokenChain(adjustments), load };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#load.stop();
    await this.#load.close();
    for (const { process, proxy } of this.#candidates) {
      process.child.kill('SIGCONT');
      await process.kill();
      await proxy.stop();
    }
  }

  /** Waits until the tuner, which rests while a canary runs, has gone on since the last round. */
  async #tuned(): Promise<void> {
    const { status } = await this.#world.until(
      'the tuner goes on',
      () => this.#world.cluster(cluster),
      (one) => {
        const id = one.status?.tuning?.adjustments[0]?.id;
        return id !== undefined && id !== this.#lastAdjustment;
      },
      300,
    );
    this.#lastAdjustment = status?.tuning?.adjustments[0]?.id;
  }

  async #rollout(): Promise<RolloutStatus | undefined> {
    return (await this.#world.cluster(cluster)).status?.rollout;
  }

  /** Resolves at the event that shows a state of another run than the one before, not at a later look. */
  async #when(state: RolloutState, before: string | undefined): Promise<void> {
    const ended = new AbortController();
    const informer = createInformer({ client: this.#world.client, type: clusterType });
    await new Promise<void>((resolve) => {
      informer.onChange((_, after) => {
        const rollout = after?.status?.rollout;
        if (rollout?.state !== state || rollout.run?.startedAt === before) return;
        resolve();
      });
      void informer.run(ended.signal);
    });
    ended.abort();
  }

  /** Who holds the lease by the last event of it. */
  #leader(): Candidate {
    const holder = this.#leases.get('default/tori-operator')?.spec?.holderIdentity ?? '';
    const leader = this.#candidates.find(({ user }) => user.endsWith(`:${holder.split('_')[0] ?? ''}`));
    if (leader === undefined) throw new Error(`nobody known leads: ${holder}`);
    return leader;
  }

  #writes({ user }: Candidate): AuditEntry[] {
    return this.#world.writesSince(new Date(0)).filter((entry) => entry.user?.username === user);
  }

  #firstWrite(candidate: Candidate, since: number): AuditEntry | undefined {
    return this.#writes(candidate).find(
      (entry) => Date.parse(entry.stageTimestamp) > since && succeeded(entry) && !isEvent(entry),
    );
  }

  async #answered(name: string): Promise<number> {
    const stored = () =>
      this.#world
        .audit()
        .filter(
          (entry) =>
            entry.verb === 'update' &&
            entry.objectRef?.resource === 'memoryactions' &&
            entry.objectRef.name === name &&
            succeeded(entry),
        ).length;
    return this.#world.until(
      'the action is answered',
      () => Promise.resolve(stored()),
      (count) => count > 0,
    );
  }
}

function strike({ proxy, process }: Candidate, blow: Blow): void {
  if (blow === 'stopped') {
    process.child.kill('SIGSTOP');
    return;
  }
  proxy.plan(() => ({ kind: 'cut-request' }));
  proxy.cutConnections();
}

function comeBack({ proxy, process }: Candidate, blow: Blow): void {
  if (blow === 'stopped') process.child.kill('SIGCONT');
  else proxy.plan(undefined);
}

function isEvent({ objectRef }: AuditEntry): boolean {
  return objectRef?.resource === 'events';
}

/** Another revision for each round. Its canary holds until somebody promotes it. */
function clusterOf(round: number) {
  const koopman = { parameters: { kclL1Strength: 0.3 + round / 1_000 } };
  const cluster0 = climbingCluster(cluster, { services: { koopman } });
  const steps = [
    { weight: 50, hold: '10m', minSleeps: 0 },
    { weight: 100, hold: '10m', minSleeps: 0 },
  ];
  return {
    ...cluster0,
    spec: { ...cluster0.spec, rollout: { ...cluster0.spec.rollout, progressDeadline: '10m', steps } },
  } as unknown as typeof cluster0;
}
