import { setTimeout } from 'node:timers/promises';
import type { Logger } from '../../services/common/logger.js';
import { Duration } from '../api/duration.js';
import type { MemoryCluster } from '../api/memory-cluster.js';
import type { RolloutStatus } from '../api/rollout-status.js';
import type { EffectiveParameters } from '../cluster/parameters.js';
import type { Intent } from '../rollout/intents.js';
import type { MetricObservation, Observation } from '../rollout/observation.js';
import type { BackgroundJobs } from './background.js';
import type { TrackClients, Tracks } from './clients.js';
import { CompletionProbe } from './completion-probe.js';
import { Drain } from './drain.js';
import type { KeptDocuments } from './kept-documents.js';
import { pushParameters } from './parameters.js';
import { seedCanary } from './seed-canary.js';
import { TrackState } from './track-state.js';

/** How long a forced sleep may take to show in the metrics, in milliseconds, before another one is forced. */
const sleepShowsMs = 30_000;

/** What the duties of one cluster are done with. */
export interface DutyContext {
  readonly documents: KeptDocuments;
  readonly jobs: BackgroundJobs;
  readonly tracks: Tracks;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** What the intents of a pass refer to. */
export interface DutyPlan {
  readonly cluster: MemoryCluster;
  readonly rollout: RolloutStatus;
  readonly observation: Observation;
  readonly parametersOf: (intent: Extract<Intent, { type: 'runTrack' }>) => EffectiveParameters;
}

/** What an observation knows from the duties. */
export type DutyObservation = Pick<Observation, 'canarySeeded' | 'drain' | 'adoptedTuningGeneration'>;

/**
 * The intents that are calls to services, the same on every platform: seeding, sleeping, adopting, draining, pushing
 * parameters. All of them are background jobs, and doing one again changes nothing.
 */
export class TrackDuties {
  readonly #context: DutyContext;
  readonly #state: TrackState;
  readonly #drain: Drain;
  readonly #completion: CompletionProbe;
  /** Parameters that were last pushed to each track by this process; lost with it, so that the next one pushes again. */
  readonly #pushed = new Map<'stable' | 'canary', string>();
  /** The last sleep that was forced: how many had been counted before it, and when it ended. */
  #forced: { readonly counted: number; readonly endedAt: number } | undefined;

  constructor(context: DutyContext) {
    const { documents, logger, now } = context;
    this.#context = context;
    this.#state = new TrackState(documents);
    this.#drain = new Drain({ documents, logger, now: () => now().getTime() });
    this.#completion = new CompletionProbe(context);
  }

  /** What was done to the tracks so far. Between runs and before the first there is nothing to know, and nothing is read. */
  async observe(rollout: RolloutStatus | undefined): Promise<DutyObservation> {
    const run = rollout?.run;
    if (run === undefined || rollout?.state === 'Installing') return { canarySeeded: false };
    const { seededRevision, adoptedTuningGeneration } = await this.#state.read();
    const drain = await this.#drain.progress();
    return {
      canarySeeded: seededRevision === run.revision,
      ...(drain !== undefined && { drain }),
      ...(adoptedTuningGeneration !== undefined && { adoptedTuningGeneration }),
    };
  }

  /** The last run of the held-out probe set; empty before the first. */
  get completion(): { completion?: MetricObservation } {
    return this.#completion.latest;
  }

  /** Begins what the intents ask of the services, where it is not under way or done. */
  perform(intents: readonly Intent[], plan: DutyPlan): void {
    for (const intent of intents) this.#begin(intent, plan);
    const { rollout, observation, cluster } = plan;
    if (rollout.state !== 'Holding' || observation.canary?.ready !== true) return;
    this.#completion.ensure(Duration.parse(cluster.spec.rollout.analysis.interval).milliseconds / 2);
  }

  /** Forgets what was known of a canary that is gone. */
  async forgetCanary(): Promise<void> {
    this.#completion.clear();
    this.#pushed.delete('canary');
    await this.#drain.clear();
    await this.#context.documents.remove('probes');
    await this.#state.forgetCanary();
  }

  #begin(intent: Intent, plan: DutyPlan): void {
    const { jobs, tracks, signal } = this.#context;
    switch (intent.type) {
      case 'runTrack':
        this.#push(intent, plan);
        return;
      case 'seedCanary':
        this.#seed(intent.revision, plan);
        return;
      case 'forceSleep':
        this.#forceSleep(intent.atLeast, plan.observation.step.canarySleeps);
        return;
      case 'adoptTuning':
        if ((plan.observation.adoptedTuningGeneration ?? -1) >= intent.generation) return;
        jobs.ensure('adopt', async () => {
          await pushParameters(tracks.stable, intent.parameters, signal);
          await this.#state.markAdopted(intent.generation);
        });
        return;
      case 'drain':
        jobs.ensure('drain', () => this.#drain.run(intent.epoch, tracks, signal));
        return;
      case 'publishTable':
      case 'removeCanary':
    }
  }

  /** Sleeps are counted by metrics, which come later than the end of a sleep: until then it must not be forced again. */
  #forceSleep(atLeast: number, counted: number): void {
    const { jobs, tracks, signal, now } = this.#context;
    const last = this.#forced;
    const awaited = last?.counted === counted && now().getTime() - last.endedAt < sleepShowsMs;
    if (counted >= atLeast || awaited) return;
    jobs.ensure('force-sleep', async () => {
      await forceSleep(tracks.canary, signal);
      this.#forced = { counted, endedAt: now().getTime() };
    });
  }

  #seed(revision: string, { observation: { canary } }: DutyPlan): void {
    if (canary?.ready !== true) return;
    const { jobs, tracks, signal } = this.#context;
    jobs.ensure('seed', async () => {
      if ((await this.#state.read()).seededRevision === revision) return;
      await seedCanary(tracks.stable, tracks.canary, signal);
      await this.#state.markSeeded(revision);
    });
  }

  /** Running services get the effective values at once; those that start find them in their environment. */
  #push(intent: Extract<Intent, { type: 'runTrack' }>, { observation, parametersOf }: DutyPlan): void {
    if (observation[intent.track]?.ready !== true) return;
    const { annealT0, learningRate, l1Strength, dmdRank, kclL1Strength } = parametersOf(intent);
    const values = {
      annealT0: annealT0.value,
      learningRate: learningRate.value,
      l1Strength: l1Strength.value,
      dmdRank: dmdRank.value,
      kclL1Strength: kclL1Strength.value,
    };
    const wanted = JSON.stringify([intent.revision, values]);
    if (this.#pushed.get(intent.track) === wanted) return;
    const { jobs, tracks, signal } = this.#context;
    jobs.ensure(`parameters-${intent.track}`, async () => {
      await pushParameters(tracks[intent.track], values, signal);
      this.#pushed.set(intent.track, wanted);
    });
  }
}

async function forceSleep({ sleep }: TrackClients, signal: AbortSignal): Promise<void> {
  const { runId } = await sleep.startConsolidation({ tenant: '', once: true }, { signal });
  for (let running = true; running;) {
    const { run } = await sleep.getConsolidation({ tenant: '', runId }, { signal });
    running = run?.finishedUnixMs === 0;
    await setTimeout(250, undefined, { signal });
  }
}
