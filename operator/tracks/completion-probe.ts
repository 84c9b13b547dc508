import { meanOf } from '../metrics/rollout-metrics.js';
import type { MetricObservation } from '../rollout/observation.js';
import type { BackgroundJobs } from './background.js';
import type { Tracks } from './clients.js';
import type { KeptDocuments } from './kept-documents.js';
import { loadProbes, runProbes } from './probes.js';

interface ProbeContext {
  readonly documents: KeptDocuments;
  readonly jobs: BackgroundJobs;
  readonly tracks: Tracks;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** The held-out probe set, run on both tracks in the background while a canary serves. */
export class CompletionProbe {
  readonly #context: ProbeContext;
  #latest: { completion?: MetricObservation } = {};
  #endedAt = -Infinity;

  constructor(context: ProbeContext) {
    this.#context = context;
  }

  /** The last run's result; empty before the first. */
  get latest(): { completion?: MetricObservation } {
    return this.#latest;
  }

  /** Starts a run, unless one is under way or the last one is younger than `everyMs`. */
  ensure(everyMs: number): void {
    const { jobs, tracks, documents, signal, now } = this.#context;
    if (now().getTime() - this.#endedAt < everyMs) return;
    jobs.ensure('probe', async () => {
      const probes = await loadProbes(documents, tracks.stable, signal);
      if (probes === undefined) return;
      const stable = meanOf(await runProbes(probes, tracks.stable, signal));
      const canary = meanOf(await runProbes(probes, tracks.canary, signal));
      this.#endedAt = now().getTime();
      this.#latest = { completion: { at: now().toISOString(), series: 1, stable, canary } };
    });
  }

  clear(): void {
    this.#latest = {};
    this.#endedAt = -Infinity;
  }
}
