import type { MemoryCluster, MemoryClusterSpec } from '../../operator/api/memory-cluster.js';
import type { MetricName } from '../../operator/api/rollout-spec.js';
import type { RolloutStatus } from '../../operator/api/rollout-status.js';
import { problemText, validateManifest } from '../../operator/api/validate.js';
import { decide } from '../../operator/rollout/decide.js';
import type { Intent } from '../../operator/rollout/intents.js';
import type { MetricObservation, Observation, TrackObservation } from '../../operator/rollout/observation.js';
import type { Wish } from '../../operator/rollout/wish.js';

/** How good the canary is: what its metrics will show. */
export type Quality = 'good' | 'failing' | 'silent' | 'unreadable';

/** A platform in memory that carries intents out under a clock, for tests of the state machine. */
export class World {
  now = Date.UTC(2026, 0, 1);
  status: RolloutStatus | undefined;
  wish: Wish;
  quality: Quality = 'good';
  /** Whether new workloads of either track become ready. */
  stableStarts = true;
  canaryStarts = true;
  sleepsWhenForced = true;
  requestsPerSecond = 100;
  readonly decisions: RolloutStatus[] = [];
  readonly #revisions: { stable?: string; canary?: string } = {};
  #seeded = false;
  #epoch = 0;
  #drain: Observation['drain'];
  #adopted: number | undefined;
  #sleeps = 0;

  constructor(spec: MemoryClusterSpec) {
    this.wish = { spec };
  }

  get instant(): Date {
    return new Date(this.now);
  }

  /** One pass of the operator: observe, decide, store, act. */
  reconcile(carry: (intents: readonly Intent[]) => readonly Intent[] = (intents) => intents): RolloutStatus {
    const { status, intents } = decide(this.wish, this.status, this.observe(), this.instant);
    if (JSON.stringify(status) !== JSON.stringify(this.status)) this.decisions.push(status);
    this.status = status;
    for (const intent of carry(intents)) this.carryOut(intent);
    return status;
  }

  /** Lets time pass, reconciling at every tick, until a condition holds. @returns whether it did */
  runUntil(done: (status: RolloutStatus) => boolean, tickMs = 60_000, ticks = 5_000): boolean {
    for (let tick = 0; tick < ticks; tick++) {
      if (done(this.reconcile())) return true;
      this.now += tickMs;
    }
    return false;
  }

  observe(): Observation {
    const canary = this.#track(this.#revisions.canary, this.canaryStarts);
    return {
      stable: this.#track(this.#revisions.stable, this.stableStarts) ?? { ready: false },
      ...(canary === undefined ? {} : { canary }),
      gatewayEpochs: this.#epoch === 0 ? [] : [this.#epoch],
      canarySeeded: this.#seeded,
      ...(this.#drain === undefined ? {} : { drain: this.#drain }),
      ...(this.#adopted === undefined ? {} : { adoptedTuningGeneration: this.#adopted }),
      step: this.#counts(),
      metrics: this.metrics(),
    };
  }

  metrics(): Partial<Record<MetricName, MetricObservation>> {
    if (this.quality === 'unreadable') return { errorRatio: { error: 'connection refused' } };
    const at = this.instant.toISOString();
    const stable = { kind: 'proportion', failures: 1, total: 10_000 } as const;
    if (this.quality === 'silent') return { errorRatio: { at, series: 1, stable } };
    const failures = this.quality === 'good' ? 1 : 1_500;
    return { errorRatio: { at, series: 1, stable, canary: { kind: 'proportion', failures, total: 10_000 } } };
  }

  carryOut(intent: Intent): void {
    const handlers: { [T in Intent['type']]: (of: Extract<Intent, { type: T }>) => void } = {
      runTrack: ({ track, revision }) => {
        this.#revisions[track] = revision;
      },
      seedCanary: () => {
        this.#seeded = this.#revisions.canary !== undefined && this.canaryStarts;
      },
      publishTable: ({ epoch }) => {
        this.#epoch = Math.max(this.#epoch, epoch);
      },
      forceSleep: ({ atLeast }) => {
        if (this.sleepsWhenForced) this.#sleeps = Math.max(this.#sleeps, atLeast);
      },
      adoptTuning: ({ generation }) => {
        this.#adopted = generation;
      },
      drain: ({ epoch }) => {
        this.#drain = { epoch, copiedThrough: 10, lastSequence: 10, verified: true };
      },
      removeCanary: () => {
        delete this.#revisions.canary;
        this.#seeded = false;
        this.#drain = undefined;
      },
    };
    (handlers[intent.type] as (of: Intent) => void)(intent);
  }

  #track(revision: string | undefined, starts: boolean): TrackObservation | undefined {
    if (revision === undefined) return undefined;
    return starts ? { revision, ready: true } : { revision, ready: false, message: 'vault: exit 78' };
  }

  #counts(): Observation['step'] {
    const begun = this.status?.run?.stepStartedAt;
    if (begun === undefined) {
      this.#sleeps = 0;
      return { canaryRequests: 0, stableRequests: 0, canarySleeps: 0 };
    }
    if (this.quality === 'unreadable') {
      return { canaryRequests: 0, stableRequests: 0, canarySleeps: 0, error: 'connection refused' };
    }
    const requests = ((this.now - Date.parse(begun)) / 1000) * this.requestsPerSecond;
    const share = (this.status?.table.basisPoints ?? 0) / 10_000;
    return {
      canaryRequests: Math.floor(requests * share),
      stableRequests: Math.floor(requests * (1 - share)),
      canarySleeps: this.#sleeps,
    };
  }
}

/** A valid cluster with defaults filled. */
export function clusterOf(spec: Record<string, unknown>): MemoryCluster {
  const result = validateManifest({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'memory' },
    spec: { version: '1', ...spec },
  });
  if (!result.ok) throw new Error(result.problems.map(problemText).join('\n'));
  return result.resource as MemoryCluster;
}

/** A spec whose revision differs with the learning rate, and with short steps. */
export function specOf(learningRate: number, rollout: Record<string, unknown> = {}): MemoryClusterSpec {
  return clusterOf({
    services: { sleep: { parameters: { learningRate } } },
    rollout: {
      steps: [
        { weight: 1, hold: '10m', minSamples: 100 },
        { weight: 50, hold: '10m' },
        { weight: 100, hold: '5m' },
      ],
      analysis: { metrics: [{ name: 'errorRatio', tolerance: 0.01, limit: 0.5 }] },
      ...rollout,
    },
  }).spec;
}

/** A world in which the first revision serves. */
export function servingWorld(rollout: Record<string, unknown> = {}): World {
  const world = new World(specOf(0.01, rollout));
  if (!world.runUntil(({ state }) => state === 'Stable', 1_000, 10)) throw new Error('it never served');
  return world;
}
