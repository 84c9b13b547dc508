import { setImmediate } from 'node:timers/promises';
import type { MemoryCluster, MemoryClusterStatus } from '../api/memory-cluster.js';
import type { RuleStatus, TuningStatus } from '../api/tuning-status.js';
import type { TuningProfile } from '../api/tuning-profile.js';
import type { TuningRule } from '../api/tuning-rules.js';
import { tuningSamples } from '../metrics/tuning-samples.js';
import { reconcileCluster, type Stored } from '../reconcile/reconcile.js';
import { decisionsOf, type SimulatedDecision } from './decisions.js';
import { ObedientPlatform } from './obedient-platform.js';
import { RecordedSamples } from './recorded-samples.js';
import type { Recording } from './recording.js';

/** What is replayed, from when to when, in epoch milliseconds. */
export interface SimulationInputs {
  /** A status that it carries is not used: the simulation begins with a cluster at rest. */
  readonly cluster: MemoryCluster;
  readonly profile: TuningProfile | undefined;
  readonly recording: Recording;
  readonly from: number;
  readonly to: number;
  /** Time between two evaluations. */
  readonly intervalMs: number;
  /** From when on the recorded canary is judged; without it only tuning is simulated. */
  readonly canaryFrom?: number;
  readonly signal?: AbortSignal;
}

/** How often a rule stood where, for the question why it never acted. */
export interface RuleTally {
  readonly rule: string;
  readonly evaluations: Readonly<Record<RuleStatus['state'], number>>;
  /** The value that came nearest to the enter threshold, or went farthest past it. */
  readonly nearest?: number;
  /** The last thing that was said of why there is no value or why it did not act. */
  readonly reason?: string;
}

export interface Simulation {
  readonly decisions: readonly SimulatedDecision[];
  readonly evaluations: number;
  readonly verdicts: Readonly<Record<'pass' | 'fail' | 'inconclusive', number>>;
  readonly rules: readonly RuleTally[];
  /** What the cluster would look like at the end. */
  readonly status: MemoryClusterStatus;
}

/** Transitions that one evaluation may lead through: the platform obeys at once. */
const mostTransitions = 20;
/** Name of the stable revision beside which the recorded canary ran; the recording does not know its template. */
const recordedStable = 'recorded';

/**
 * Replays a recording through what the operator runs, {@link reconcileCluster}, with a virtual clock and a platform that
 * obeys at once: the same inputs give the same decisions.
 *
 * What it cannot know: what the memory would have measured after a decision that was not taken in reality. Up to the
 * first decision that differs from what was done the result is exact; from there on it says what the recorded numbers
 * would have led to. Commands of people and the completion probe are not in a recording.
 */
export async function simulate(inputs: SimulationInputs): Promise<Simulation> {
  const run = new Run(inputs);
  const { from, to, intervalMs, signal } = inputs;
  for (let now = from, evaluations = 1; now <= to; now += intervalMs, evaluations++) {
    // Nothing in an evaluation waits for anything: without a turn of the event loop nobody could interrupt it.
    if (evaluations % 100 === 0) await setImmediate();
    signal?.throwIfAborted();
    await run.evaluate(now);
  }
  return run.result();
}

class Run {
  readonly #inputs: SimulationInputs;
  readonly #samples: RecordedSamples;
  readonly #platform = new ObedientPlatform();
  readonly #decisions: SimulatedDecision[] = [];
  readonly #verdicts = { pass: 0, fail: 0, inconclusive: 0 };
  readonly #tallies = new Map<string, RuleTally>();
  #status: MemoryClusterStatus | undefined;
  /** Of the last evaluation, whether or not it was worth storing. */
  #tuning: TuningStatus | undefined;
  #canaryBegun = false;
  #evaluations = 0;

  constructor(inputs: SimulationInputs) {
    this.#inputs = inputs;
    this.#samples = new RecordedSamples(inputs.recording);
  }

  async evaluate(now: number): Promise<void> {
    this.#samples.now = now;
    this.#evaluations += 1;
    const { canaryFrom = Infinity } = this.#inputs;
    if (this.#status === undefined) await this.#settle(new Date(now));
    if (!this.#canaryBegun && now >= canaryFrom) this.#beginCanary();
    await this.#settle(new Date(now));
    this.#tally(this.#tuning);
  }

  result(): Simulation {
    return {
      decisions: this.#decisions,
      evaluations: this.#evaluations,
      verdicts: this.#verdicts,
      rules: [...this.#tallies.values()],
      status: this.#status!,
    };
  }

  async #settle(now: Date): Promise<void> {
    for (let transition = 0; transition < mostTransitions; transition++) {
      if (!(await this.#pass(now))) return;
    }
  }

  /** One pass of the operator. @returns whether another follows from it at the same instant */
  async #pass(now: Date): Promise<boolean> {
    const { profile } = this.#inputs;
    const before = this.#status;
    const provider = this.#samples;
    const {
      status: after,
      decision,
      carryOut,
    } = await reconcileCluster(
      this.#platform,
      { cluster: this.#cluster(), profile, actions: [] },
      {
        provider,
        tuningSamples: ({ spec }) => tuningSamples(provider, spec),
        now,
        persist: () => Promise.resolve(),
      },
    );
    await carryOut();
    this.#status = after;
    this.#countVerdict(before, after);
    this.#decisions.push(...decisionsOf({ before, after, tuning: decision?.tuning, now }));
    this.#tuning = decision?.tuning?.status;
    return JSON.stringify(before?.rollout) !== JSON.stringify(after.rollout);
  }

  #countVerdict(before: MemoryClusterStatus | undefined, after: MemoryClusterStatus): void {
    const verdict = after.rollout?.run?.lastVerdict;
    if (verdict === undefined || verdict.at === before?.rollout?.run?.lastVerdict?.at) return;
    this.#verdicts[verdict.verdict] += 1;
  }

  #cluster(): Stored<MemoryCluster> {
    const { apiVersion, kind, metadata: named, spec } = this.#inputs.cluster;
    const creationTimestamp = new Date(this.#inputs.from).toISOString();
    const metadata = { ...named, uid: 'simulated', generation: 1, creationTimestamp };
    const asked = { apiVersion, kind, metadata, spec };
    return this.#status === undefined ? asked : { ...asked, status: this.#status };
  }

  /** The spec is now another than what stable runs, as it was when the recorded canary began. */
  #beginCanary(): void {
    this.#canaryBegun = true;
    const { rollout } = this.#status ?? {};
    if (this.#status === undefined || rollout === undefined) return;
    const revisions = rollout.revisions.map((one) => ({ ...one, revision: recordedStable }));
    this.#status = {
      ...this.#status,
      rollout: { ...rollout, revisions, stableRevision: recordedStable, history: [] },
    };
  }

  #tally(tuning: TuningStatus | undefined): void {
    for (const rule of this.#inputs.profile?.spec.rules ?? []) {
      const status = tuning?.rules[rule.id];
      if (status !== undefined) this.#tallies.set(rule.id, tallied(rule, this.#tallies.get(rule.id), status));
    }
  }
}

function tallied({ id, when }: TuningRule, before: RuleTally | undefined, status: RuleStatus): RuleTally {
  const counts = before?.evaluations ?? { Idle: 0, Pending: 0, Firing: 0, NoData: 0 };
  const nearest = farther(when, before?.nearest, status.value);
  const reason = status.reason ?? before?.reason;
  return {
    rule: id,
    evaluations: { ...counts, [status.state]: counts[status.state] + 1 },
    ...(nearest !== undefined && { nearest }),
    ...(reason !== undefined && { reason }),
  };
}

function farther(when: TuningRule['when'], a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return when === 'above' ? Math.max(a, b) : Math.min(a, b);
}
