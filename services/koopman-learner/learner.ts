import { performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { BoundedMap } from '../common/concepts/bounded-map.js';
import type { Logger } from '../common/logger.js';
import { assembleSpectrum } from './assemble.js';
import { DecompositionError } from './domain/dmd.js';
import { fitWindow } from './domain/fit.js';
import { updateSeries, type Series } from './domain/series.js';
import { chooseWidth, shortestStretch, snapshotBins, type Resolution } from './domain/time-axis.js';
import { summarise, type Spectrum, type SpectrumSummary } from './spectrum.js';
import type { Added, LearnerStore, SeriesEvent, VaultPlace } from './store.js';

/** How a learner works. */
export interface LearnerOptions {
  readonly store: LearnerStore;
  /** Most snapshots of a window. */
  readonly windowBins: number;
  /** Most concepts of the state. */
  readonly maxConcepts: number;
  /** New bins after which a window is fitted again. */
  readonly refitBins: number;
  /** Longest time that a new bin waits for a fit, in milliseconds. */
  readonly refitIntervalMs: number;
  /** Parameters in force. */
  readonly parameters: () => { readonly rank: number; readonly l1Strength: number };
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Told of every fit, with its duration in seconds. */
  readonly onFit: (spectrum: Spectrum, seconds: number) => void;
}

interface TenantState {
  readonly tenant: string;
  /** Bins that changed since the last fit, by width. */
  touched: Map<number, Set<number>>;
  /** The last fit does not stand for the stored bins or the parameters in force. */
  stale: boolean;
  /** Width that the axis had when it was last chosen. */
  widthMs: number | undefined;
  summary: SpectrumSummary | undefined;
  /** Why the data do not allow a fit. */
  obstacle: string | undefined;
}

/** Time between two looks at what is due; the clock closes bins without telling anybody. */
const pollMs = 200;
/** A fit is followed by a pause of this many times its duration, so that learning leaves the processor to others ... */
const pausePerFit = 4;
/** ... but never a longer one than this. */
const longestPauseMs = 5_000;
/** Series kept ready to be carried on; the others are read from disk again. */
const keptSeries = 8;
/** Events this far in the future have a wrong clock; as the newest of all they would stop the series for everybody else. */
const futureToleranceMs = 24 * 3_600_000;

/** Takes in events and keeps each tenant's spectrum up to date, one fit at a time. */
export class Learner {
  readonly #options: LearnerOptions;
  readonly #tenants = new Map<string, TenantState>();
  readonly #series = new BoundedMap<string, Series>(keptSeries);

  constructor(options: LearnerOptions) {
    this.#options = options;
    for (const tenant of options.store.tenants()) this.#restore(tenant);
  }

  /** Summaries of all fits, for metrics. */
  summaries(): SpectrumSummary[] {
    return [...this.#tenants.values()].flatMap(({ summary }) => (summary === undefined ? [] : [summary]));
  }

  summary(tenant: string): SpectrumSummary | undefined {
    return this.#tenants.get(tenant)?.summary;
  }

  /** Bins that hold activations, at the width that tells most of them apart. */
  filledBins(tenant: string): number {
    if (!this.#tenants.has(tenant)) return 0;
    const resolutions = this.#options.store.resolutions(tenant, this.#options.now());
    return Math.max(...resolutions.map(({ bins }) => bins.length));
  }

  /** Why there is no spectrum yet. */
  obstacle(tenant: string): string {
    const state = this.#tenants.get(tenant);
    if (state !== undefined && this.#resolution(state) !== undefined)
      return state.obstacle ?? 'the first fit is due';
    const wanted = `a fit needs ${shortestStretch} snapshots in a row`;
    return `${this.filledBins(tenant)} time bins hold activations, ${wanted}`;
  }

  /**
   * Adds events durably; those from the future are ignored.
   * @param place see {@link LearnerStore.add}
   */
  async add(tenant: string, events: readonly SeriesEvent[], place?: VaultPlace): Promise<Added> {
    const latest = this.#options.now() + futureToleranceMs;
    const timely = events.filter(({ timeUnixMs }) => timeUnixMs <= latest);
    const added = await this.#options.store.add(tenant, timely, place);
    const { touched } = this.#state(tenant);
    for (const [widthMs, bins] of added.touched) {
      const known = touched.get(widthMs) ?? new Set();
      for (const bin of bins) known.add(bin);
      touched.set(widthMs, known);
    }
    return { ...added, ignored: added.ignored + events.length - timely.length };
  }

  /** Has every tenant fitted again, with the parameters then in force. */
  refitAll(): void {
    for (const state of this.#tenants.values()) state.stale = true;
  }

  /** Fits what is due until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = () => signal.aborted;
    while (!aborted()) {
      const began = performance.now();
      try {
        await this.#fitDue(signal);
      } catch (error) {
        if (!aborted()) this.#options.logger.error({ err: error }, 'the fit failed');
      }
      const pause = Math.min(longestPauseMs, Math.max(pollMs, pausePerFit * (performance.now() - began)));
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Fits the tenant that has waited longest, if any is due. */
  async #fitDue(signal: AbortSignal): Promise<void> {
    const waiting = [...this.#tenants.values()].sort(
      (a, b) => (a.summary?.fittedUnixMs ?? 0) - (b.summary?.fittedUnixMs ?? 0),
    );
    for (const state of waiting) {
      const resolution = this.#due(state);
      if (resolution === undefined) continue;
      await this.#fit(state, resolution, signal);
      return;
    }
  }

  /** The axis to fit on now, or undefined when there is nothing new or not enough. */
  #due(state: TenantState): Resolution | undefined {
    if (!state.stale && state.touched.size === 0) return undefined;
    const resolution = this.#resolution(state);
    if (resolution === undefined) return undefined;
    return state.stale || this.#isNewEnough(state, resolution) ? resolution : undefined;
  }

  #isNewEnough({ summary, touched }: TenantState, { widthMs, bins }: Resolution): boolean {
    if (summary?.widthMs !== widthMs) return true;
    const closed = bins.filter((bin) => touched.get(widthMs)?.has(bin) === true).length;
    const waited = this.#options.now() - summary.fittedUnixMs;
    return closed >= this.#options.refitBins || (closed > 0 && waited >= this.#options.refitIntervalMs);
  }

  async #fit(state: TenantState, resolution: Resolution, signal: AbortSignal): Promise<void> {
    const { store, now, parameters, onFit } = this.#options;
    const began = performance.now();
    const changes = store.changes(state.tenant);
    const { rank, l1Strength: sparsity } = parameters();
    const touched = state.touched;
    state.touched = openBins(touched, now());
    state.stale = false;
    state.widthMs = resolution.widthMs;
    try {
      const series = await this.#carryOn(state.tenant, resolution, touched, signal);
      const fit = await cooperate(fitWindow(series.window, { rank, sparsity, bins: series.bins }), signal);
      const context = { series, rank, sparsity, now: now(), changes };
      const spectrum = assembleSpectrum(fit, store.spectrum(state.tenant), context);
      await store.saveSpectrum(state.tenant, spectrum);
      state.summary = summarise(spectrum);
      state.obstacle = undefined;
      onFit(spectrum, (performance.now() - began) / 1000);
    } catch (error) {
      if (!(error instanceof DecompositionError)) throw error;
      state.obstacle = error.message;
    }
  }

  async #carryOn(
    tenant: string,
    resolution: Resolution,
    touched: ReadonlyMap<number, ReadonlySet<number>>,
    signal: AbortSignal,
  ): Promise<Series> {
    const { widthMs } = resolution;
    const { store, windowBins: capacity, maxConcepts } = this.#options;
    const request = {
      widthMs,
      bins: this.#snapshotBins(resolution),
      changed: touched.get(widthMs) ?? new Set<number>(),
      capacity,
      maxConcepts,
      read: (bin: number) => store.bin(tenant, widthMs, bin),
    };
    const series = await cooperate(updateSeries(this.#series.get(tenant), request), signal);
    this.#series.set(tenant, series);
    return series;
  }

  #resolution(state: TenantState): Resolution | undefined {
    const resolutions = this.#options.store.resolutions(state.tenant, this.#options.now());
    return chooseWidth(resolutions, state.widthMs);
  }

  #snapshotBins({ bins }: Resolution): number[] {
    return snapshotBins(bins, this.#options.windowBins);
  }

  #state(tenant: string): TenantState {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const state: TenantState = {
      tenant,
      touched: new Map(),
      stale: false,
      widthMs: undefined,
      summary: undefined,
      obstacle: undefined,
    };
    this.#tenants.set(tenant, state);
    return state;
  }

  #restore(tenant: string): void {
    const state = this.#state(tenant);
    const spectrum = this.#options.store.spectrum(tenant);
    const { rank, l1Strength } = this.#options.parameters();
    state.summary = spectrum === undefined ? undefined : summarise(spectrum);
    state.widthMs = spectrum?.widthMs;
    state.stale =
      spectrum?.changes !== this.#options.store.changes(tenant) ||
      spectrum.rank !== rank ||
      spectrum.sparsity !== l1Strength;
  }
}

/** Bins that a fit at this moment cannot have seen whole: they stay on the list of changes. */
function openBins(touched: ReadonlyMap<number, ReadonlySet<number>>, now: number): Map<number, Set<number>> {
  const open = [...touched].map(
    ([widthMs, bins]) => [widthMs, new Set([...bins].filter((bin) => (bin + 1) * widthMs > now))] as const,
  );
  return new Map(open.filter(([, bins]) => bins.size > 0));
}

/** Runs a stepwise computation and lets the event loop turn between its steps. */
async function cooperate<T>(work: Generator<void, T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await turn();
    signal.throwIfAborted();
  }
}
