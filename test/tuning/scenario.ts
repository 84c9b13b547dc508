import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Gauge, Registry } from 'prom-client';
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
import { tuningMetrics, tuningSamples } from '../../operator/metrics/tuning-samples.js';
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
 * A cluster as the tuner sees it: registries with the metrics of the services, their pages as text, the sample store in
 * a folder, a clock that only moves when told.
 */
export class Scenario {
  readonly profile: TuningProfileSpec;
  status: TuningStatus | undefined;
  held: Partial<Record<TunableParameter, { readonly value: number; readonly source: ParameterSource }>> = {};

  readonly #folder: string;
  readonly #clock: Clock;
  readonly #store: SampleStore;
  readonly #registry = new Registry();
  readonly #metrics = services(this.#registry);

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
    this.#registry.setDefaultLabels({ track: 'stable' });
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
    const { cycles, turns, drop, loops, edges, drift, rank } = this.#metrics;
    cycles.inc();
    if (night.turned === true) turns.inc();
    set(drop, night.drop);
    set(loops, night.loops);
    set(edges, night.edges);
    set(drift, night.drift);
    set(rank, night.effectiveRank);
    for (let i = 0; i < scrapes; i++) await this.scrape();
  }

  /** Several cycles alike. */
  async nights(count: number, after: string, night: Night): Promise<void> {
    for (let i = 0; i < count; i++) await this.night(after, night);
  }

  /** The process of a service starts again: counters and gauges are 0. */
  restart(): void {
    this.#registry.resetMetrics();
  }

  async scrape(): Promise<void> {
    this.pass('15s');
    const text = await this.#registry.metrics();
    const samples = parseExposition(text).flatMap((family) => family.samples);
    const target = { service: 'all', track: 'stable', url: 'http://127.0.0.1:9092/metrics' } as const;
    this.#store.append({ at: this.now, results: [{ target, samples }] });
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

function set(gauge: Gauge, value: number | undefined): void {
  if (value !== undefined) gauge.set(value);
}

function services(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string) => new Gauge({ name, help: name, registers });
  const counter = (name: string) => new Counter({ name, help: name, registers });
  return {
    cycles: counter('consol_cycles_total'),
    turns: counter('consol_energy_sign_changes_total'),
    drop: gauge('consol_energy_drop_ratio'),
    loops: gauge('consol_settle_loops'),
    edges: gauge('edge_count'),
    drift: gauge('kcl_psi_drift_rad'),
    rank: gauge('kcl_effective_rank'),
  };
}
