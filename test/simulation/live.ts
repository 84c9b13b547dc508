import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryCluster, MemoryClusterStatus } from '../../operator/api/memory-cluster.js';
import type { TuningProfile } from '../../operator/api/tuning-profile.js';
import { keptMetrics } from '../../operator/metrics/kept-metrics.js';
import { openSampleStore, type SampleStore } from '../../operator/metrics/sample-store.js';
import { tuningSamples } from '../../operator/metrics/tuning-samples.js';
import { reconcileCluster, type Platform } from '../../operator/reconcile/reconcile.js';
import { decisionsOf, type SimulatedDecision } from '../../operator/simulation/decisions.js';
import { seededRandom } from '../../services/common/network/random.js';
import { SimulatedDeployment } from '../metrics/history.js';
import { Recording, resultOf, type RecordedCluster } from '../metrics/recording.js';
import type { Values } from '../plants/plant.js';
import { World } from '../rollout/world.js';

const minuteMs = 60_000;

/** A deployment that is operated live. */
export interface LiveOptions {
  readonly seed: number;
  /** What runs at first, and what is applied at `changeAt`. */
  readonly before: MemoryCluster;
  readonly after: MemoryCluster;
  readonly changeAt: number;
  readonly profile: TuningProfile;
  readonly canaryErrors: number;
  readonly begin: number;
  readonly end: number;
  readonly identity: RecordedCluster;
}

/** What was decided, and what a Prometheus beside it has recorded, as OpenMetrics text. */
export interface Live {
  readonly decisions: readonly SimulatedDecision[];
  readonly history: string;
}

/**
 * Operates a simulated deployment under a virtual clock as the operator does: its own scrapes every minute into its own
 * store, the real reconcile every five minutes, values that it tunes put in force. All that a Prometheus would have
 * scraped beside it is written down.
 */
export async function operate(options: LiveOptions): Promise<Live> {
  const { begin, end, identity } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tori-live-'));
  const clock = { now: begin };
  const store = await openSampleStore({
    file: join(folder, 'samples.json'),
    maxBytes: 1,
    kept: keptMetrics(),
    now: () => clock.now,
    onLost: (reason) => {
      throw new Error(reason);
    },
  });
  const deployment = new SimulatedDeployment(seededRandom(options.seed), options);
  const recording = new Recording();
  const operator = new LiveOperator(options, store);
  for (; clock.now <= end; clock.now += minuteMs) {
    // Gateways count from the first minute on, whatever runs behind them.
    const pages = deployment.scrape(clock.now, operator.values, true);
    store.append({ at: clock.now, results: pages.map(resultOf) });
    for (const page of pages) recording.add(identity, clock.now, page);
    if (isEvaluated(clock.now)) await operator.evaluate(clock.now);
  }
  await rm(folder, { recursive: true });
  return { decisions: operator.decisions, history: recording.text() };
}

/** Every five minutes, in the middle of the five minutes that one down-sampled reading stands for. */
function isEvaluated(now: number): boolean {
  return Math.floor(now / minuteMs) % 5 === 2;
}

class LiveOperator {
  readonly decisions: SimulatedDecision[] = [];
  values: Values = { annealT0: 2, learningRate: 0.01, l1Strength: 0.001, dmdRank: 50 };
  readonly #options: LiveOptions;
  readonly #store: SampleStore;
  readonly #world: World;
  #status: MemoryClusterStatus | undefined;

  constructor(options: LiveOptions, store: SampleStore) {
    this.#options = options;
    this.#store = store;
    this.#world = new World(options.before.spec);
  }

  async evaluate(now: number): Promise<void> {
    this.#world.now = now;
    let before: MemoryClusterStatus | undefined;
    do {
      before = this.#status;
      await this.#pass(new Date(now));
    } while (JSON.stringify(before?.rollout) !== JSON.stringify(this.#status?.rollout));
  }

  async #pass(now: Date): Promise<void> {
    const { before: first, after: second, changeAt, profile } = this.#options;
    const { apiVersion, kind, metadata, spec } = now.getTime() < changeAt ? first : second;
    const stored = { ...metadata, uid: 'live', generation: 1, creationTimestamp: now.toISOString() };
    const before = this.#status;
    const cluster = {
      apiVersion,
      kind,
      metadata: stored,
      spec,
      ...(before !== undefined && { status: before }),
    };
    const store = this.#store;
    const { status, decision, carryOut } = await reconcileCluster(
      this.#platform(),
      { cluster, profile, actions: [] },
      {
        provider: store,
        tuningSamples: (one) => tuningSamples(store, one.spec),
        now,
        persist: () => Promise.resolve(),
      },
    );
    await carryOut();
    this.#status = status;
    this.decisions.push(...decisionsOf({ before, after: status, tuning: decision?.tuning, now }));
    const { annealT0, learningRate, l1Strength, dmdRank } = decision!.tuning!.status.parameters;
    this.values = {
      annealT0: annealT0.value,
      learningRate: learningRate.value,
      l1Strength: l1Strength.value,
      dmdRank: dmdRank.value,
    };
  }

  #platform(): Platform {
    const world = this.#world;
    return {
      problems: () => [],
      observe: () =>
        Promise.resolve({
          observation: world.observe(),
          completion: {},
          services: [],
          endpoints: {},
          statements: [],
        }),
      prepare: ({ intents }) => ({
        carryOut: () => {
          for (const intent of intents) world.carryOut(intent);
          return Promise.resolve();
        },
      }),
      keepUp: () => Promise.resolve(),
    };
  }
}
