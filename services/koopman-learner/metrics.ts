import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Spectrum, SpectrumSummary } from './spectrum.js';

/** The learner's metrics. */
export interface LearnerMetrics {
  /** Counts a fit. */
  fitted(spectrum: Spectrum, seconds: number): void;
}

/**
 * Registers the learner's metrics. Gauges describe the last fits of all tenants; one that has no value, because there is
 * no fit yet or nothing to compare with, is absent.
 * @param summaries the last fit of each tenant that has one
 */
export function createLearnerMetrics(
  registry: Registry,
  summaries: () => readonly SpectrumSummary[],
): LearnerMetrics {
  const registers = [registry];
  const gauge = (
    name: string,
    help: string,
    value: (all: readonly SpectrumSummary[]) => number | undefined,
  ) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const all = summaries();
        const current = all.length === 0 ? undefined : value(all);
        if (current === undefined) this.remove();
        else this.set(current);
      },
    });
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  gauge('kcl_modes', 'Modes of the last fit, summed over tenants.', (all) =>
    sum(all.map((fit) => fit.modeCount)),
  );
  gauge('kcl_snapshots', 'Snapshots in the windows of the last fits, summed over tenants.', (all) =>
    sum(all.map((fit) => fit.snapshots)),
  );
  gauge(
    'kcl_psi_drift_rad',
    'Amplitude-weighted phase drift between the last two windows, in radians; the largest of all tenants.',
    (all) => largest(all.map((fit) => fit.psiDriftRad)),
  );
  gauge('kcl_effective_rank', 'Directions of the data above rounding; the largest of all tenants.', (all) =>
    largest(all.map((fit) => fit.effectiveRank)),
  );
  gauge('kcl_recommended_rank', 'Directions that stand out of noise; the largest of all tenants.', (all) =>
    largest(all.map((fit) => fit.recommendedRank)),
  );
  gauge('kcl_spectral_radius', 'Largest absolute eigenvalue of the last fits.', (all) =>
    largest(all.map((fit) => fit.spectralRadius)),
  );
  const modes = new Counter({ name: 'kcl_modes_total', help: 'Modes ever extracted.', registers });
  const couplings = new Counter({
    name: 'coupling_updates_total',
    help: 'Couplings ever estimated.',
    registers,
  });
  const seconds = new Histogram({
    name: 'kcl_fit_seconds',
    help: 'Duration of a fit, in seconds.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    fitted(spectrum, duration) {
      modes.inc(spectrum.modes.length);
      couplings.inc(spectrum.couplings.length);
      seconds.observe(duration);
    },
  };
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : Math.max(...present);
}
