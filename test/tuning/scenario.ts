import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { Duration } from '../../operator/api/duration.js';
import type { TuningProfileSpec } from '../../operator/api/tuning-profile.js';
import {
  tunableParameters,
  type ParameterSource,
  type TunableParameter,
  type TuningStatus,
} from '../../operator/api/tuning-status.js';
import { parseExposition } from '../../operator/metrics/exposition.js';
import { keptMetrics } from '../../operator/metrics/kept-metrics.js';
import { openSampleStore, type SampleStore } from '../../operator/metrics/sample-store.js';
import type { ScrapeResult } from '../../operator/metrics/scrape.js';
import { tuningMetrics, tuningSamples } from '../../operator/metrics/tuning-samples.js';
import { ConsolidationCycle } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import { createLearnerMetrics } from '../../services/koopman-learner/metrics.js';
import type { SpectrumSummary } from '../../services/koopman-learner/spectrum.js';
import { createSleepMetrics } from '../../services/sleep-scheduler/metrics.js';
import type { VersionRecord } from '../../services/sparse-pruner/domain/history.js';
import { createPrunerMetrics } from '../../services/sparse-pruner/metrics.js';
import { tune, type TuneInput, type TuneResult } from '../../operator/tuning/tune.js';

/** What one sleep cycle leaves in the metrics; what is not said stays as it was. */
export interface Night {
  readonly drop?: number;
  readonly loops?: number;
  /** Whether the sign of the energy change turned. */
  readonly turned?: boolean;
  readonly edges?: number;
  readonly drift?: number;
  readonly effectiveRank?: number;
}

interface Clock {
  now: number;
}

const defaults: Readonly<Record<TunableParameter, number>> = {
  annealT0: 2,
  learningRate: 0.01,
  l1Strength: 0.001,
  dmdRank: 50,
};

/**
 * A cluster as the tuner sees it: the services' metrics, their pages as text, the sample store in a folder, a clock that only moves when told.
 */
export class Scenario {
  readonly profile: TuningProfileSpec;
  status: TuningStatus | undefined;
  held: Partial<Record<TunableParameter, { readonly value: number; readonly source: ParameterSource }>> = {};

  readonly #folder: string;
  readonly #clock: Clock;
  readonly #store: SampleStore;
  #services = new Services();

  private constructor(parts: {
    profile: TuningProfileSpec;
    folder: string;
    store: SampleStore;
    clock: Clock;
  }) {
    this.profile = parts.profile;
    this.#folder = parts.folder;
    this.#store = parts.store;
    this.#clock = parts.clock;
  }

  static async open(profile: TuningProfileSpec): Promise<Scenario> {
    const folder = await mkdtemp(join(tmpdir(), 'tuning-'));
    const clock = { now: Date.parse('2030-01-01T00:00:00Z') };
    const store = await openSampleStore({
      file: join(folder, 'samples.json'),
      maxBytes: 1 << 20,
      kept: keptMetrics(tuningMetrics(profile)),
      now: () => clock.now,
      onLost: (reason) => {
        throw new Error(reason);
      },
    });
    return new Scenario({ profile, folder, store, clock });
  }

  get now(): number {
    return this.#clock.now;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }

  /** Time passes, one sleep cycle ends, and the pages are scraped so many times, 15 s apart. */
  async night(
    after: string,
    { scrapes = 2, ...night }: Night & { readonly scrapes?: number },
  ): Promise<void> {
    this.pass(after);
    this.#services.sleep(night);
    for (let i = 0; i < scrapes; i++) await this.scrape();
  }

  /** Several cycles alike. */
  async nights(count: number, after: string, night: Night): Promise<void> {
    for (let i = 0; i < count; i++) await this.night(after, night);
  }

  /** The processes start again: counters are 0, and gauges absent until the first cycle. */
  restart(): void {
    this.#services = new Services();
  }

  async scrape(): Promise<void> {
    this.pass('15s');
    this.#store.append({ at: this.now, results: await this.#services.pages() });
  }

  /** Time passes without a cycle, scraped and evaluated every minute. */
  async watch(time: string): Promise<void> {
    const until = this.now + Duration.parse(time).milliseconds;
    while (this.now < until) {
      this.pass('45s');
      await this.scrape();
      await this.evaluate();
    }
  }

  pass(time: string): void {
    this.#clock.now += Duration.parse(time).milliseconds;
  }

  /** What the tuner would be given now. */
  async input(change: Partial<TuneInput> = {}): Promise<TuneInput> {
    return {
      profile: this.profile,
      samples: await tuningSamples(this.#store, this.profile),
      effective: this.#effective(),
      status: this.status,
      now: this.now,
      staleAfterMs: 120_000,
      ...change,
    };
  }

  /** One evaluation; its status is the next one's memory. */
  async evaluate(change: Partial<TuneInput> = {}): Promise<TuneResult> {
    const result = tune(await this.input(change));
    this.status = result.status;
    return result;
  }

  value(parameter: TunableParameter): number {
    return this.#effective()[parameter].value;
  }

  phase(parameter: TunableParameter): string | undefined {
    return this.status?.parameters[parameter].state.phase;
  }

  #effective(): TuneInput['effective'] {
    return Object.fromEntries(
      tunableParameters.map((parameter) => {
        const tuned = this.status?.parameters[parameter].tuned;
        const own =
          tuned === undefined
            ? { value: defaults[parameter], source: 'Default' as const }
            : { value: tuned, source: 'Tuner' as const };
        return [parameter, this.held[parameter] ?? own];
      }),
    ) as TuneInput['effective'];
  }
}

/** The processes whose metrics tuning reads: the services' own registrations, with values that a test chooses. */
class Services {
  readonly #registries = { sleep: registry(), pruner: registry(), koopman: registry() };
  readonly #sleep = createSleepMetrics(this.#registries.sleep, () => ({ episodes: 0, since: undefined }));
  #last: Required<Night> | undefined;
  #energyRises = false;

  constructor() {
    const last = () => this.#last;
    createPrunerMetrics(this.#registries.pruner, () => [{ edges: last()?.edges ?? 0 } as VersionRecord]);
    createLearnerMetrics(this.#registries.koopman, () => {
      const night = last();
      if (night === undefined) return [];
      return [{ psiDriftRad: night.drift, effectiveRank: night.effectiveRank } as SpectrumSummary];
    });
  }

  sleep(night: Night): void {
    this.#last = {
      drop: 0,
      loops: 0,
      edges: 0,
      drift: 0,
      effectiveRank: 0,
      turned: false,
      ...this.#last,
      ...night,
    };
    if (night.turned === true) this.#energyRises = !this.#energyRises;
    const cycle = ConsolidationCycle.fromPartial({
      energyBefore: 0,
      energyAfter: this.#energyRises ? 1 : -1,
      energyDropRatio: this.#last.drop,
      settleLoops: this.#last.loops,
    });
    this.#sleep.cycleEnded(cycle, 'accepted', 1);
  }

  async pages(): Promise<ScrapeResult[]> {
    return Promise.all(
      Object.entries(this.#registries).map(async ([service, page]) => ({
        target: { service, track: 'stable', url: `http://${service}/metrics` },
        samples: parseExposition(await page.metrics()).flatMap((family) => family.samples),
      })),
    );
  }
}

function registry(): Registry {
  const own = new Registry();
  own.setDefaultLabels({ track: 'stable' });
  return own;
}
