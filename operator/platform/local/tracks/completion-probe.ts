import { join } from 'node:path';
import { meanOf } from '../../../metrics/rollout-metrics.js';
import type { MetricObservation } from '../../../rollout/observation.js';
import type { Home } from '../home.js';
import type { BackgroundJobs } from './background.js';
import type { TrackClients } from './clients.js';
import { loadProbes, runProbes } from './probes.js';

interface ProbeContext {
  readonly home: Home;
  readonly jobs: BackgroundJobs;
  readonly tracks: { readonly stable: TrackClients; readonly canary: TrackClients };
  readonly signal: AbortSignal;
}

/** The held-out probe set, run on both tracks in the background while a canary serves. */
export class CompletionProbe {
  readonly #context: ProbeContext;
  #latest: { completion?: MetricObservation } = {};

  constructor(context: ProbeContext) {
    this.#context = context;
  }

  /** The last run's result; empty before the first. */
  get latest(): { completion?: MetricObservation } {
    return this.#latest;
  }

  /** Starts a run, unless one is under way. */
  ensure(): void {
    const { jobs, tracks, home, signal } = this.#context;
    jobs.ensure('probe', async () => {
      const probes = await loadProbes(join(home.run, 'probes.json'), tracks.stable, signal);
      if (probes === undefined) return;
      const stable = meanOf(await runProbes(probes, tracks.stable, signal));
      const canary = meanOf(await runProbes(probes, tracks.canary, signal));
      this.#latest = { completion: { at: new Date().toISOString(), series: 1, stable, canary } };
    });
  }

  clear(): void {
    this.#latest = {};
  }
}
