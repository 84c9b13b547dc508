import type { TunableParameter } from '../../operator/api/tuning-status.js';
import type { Sample } from '../../operator/samples/series.js';
import type { TuningSamples } from '../../operator/tuning/tune.js';
import type { Random } from '../../services/common/network/random.js';

export type Values = Readonly<Record<TunableParameter, number>>;

/** Readings that a sensor can get wrong. */
const sensors = [
  'consol_energy_drop_ratio',
  'consol_settle_loops',
  'consol_energy_sign_changes_total',
  'edge_count',
  'kcl_psi_drift_rad',
  'kcl_effective_rank',
] as const;
type Sensor = (typeof sensors)[number];

type Fault = 'none' | 'missing' | 'stuck' | 'doubled';

/**
 * A simulated memory: its metrics follow the parameters by random gains, some of the wrong sign, with delays and noise;
 * its process restarts, and its sensors die.
 */
export interface Plant {
  /** Runs up to an instant under these values and is scraped there. */
  scrape(at: number, values: Values): void;
  /** The scrapes that are not older than the window. */
  samples(): TuningSamples;
}

const weekMs = 7 * 24 * 3_600_000;

/** @param windowMs how long scrapes are kept, in milliseconds */
export function createPlant(random: Random, windowMs: number): Plant {
  const between = (low: number, high: number) => low + (high - low) * random();
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const gains = {
    drop: between(-0.05, 0.1),
    dropAtRest: between(0, 0.12),
    loops: between(-1.5, 2.5),
    loopsAtRest: between(10, 90),
    steepness: between(0, 4),
    stableRate: 10 ** between(-4, -1),
    growth: between(-1.5, 1.5),
    growthAtRest: between(-0.3, 0.5),
    drift: between(-1, 2),
    driftAtRest: between(0.02, 0.5),
    rank: between(5, 120),
  };
  const noise = 10 ** between(-3, -0.3);
  const delay = Math.floor(between(0, 6));
  const cyclesEachScrape = between(0.2, 2);
  const restarts = between(0, 0.02);
  const faults = new Map<Sensor, Fault>(sensors.map((sensor) => [sensor, 'none']));
  const faultRate = between(0, 0.03);

  let cycles = 0;
  let signChanges = 0;
  let edges = 1e5;
  let before: number | undefined;
  const past: Values[] = [];
  const kept = new Map<string, Sample[]>();

  function keep(metric: string, sample: Sample): void {
    const samples = (kept.get(metric) ?? []).filter(({ at }) => at > sample.at - windowMs);
    kept.set(metric, [...samples, sample]);
  }

  function sense(sensor: Sensor, at: number, value: number): void {
    if (random() < faultRate) {
      const kinds: readonly Fault[] = ['none', 'none', 'missing', 'stuck', 'doubled'];
      faults.set(sensor, kinds[Math.floor(random() * kinds.length)]!);
    }
    const fault = faults.get(sensor);
    if (fault === 'missing') return;
    const stuckAt = kept.get(sensor)?.at(-1)?.value;
    const read = fault === 'stuck' ? (stuckAt ?? value) : fault === 'doubled' ? 2 * value : value;
    keep(sensor, { at, value: read });
  }

  function sleep(seconds: number, now: Values): void {
    cycles += 1;
    const turns = 1 / (1 + (gains.stableRate / now.learningRate) ** gains.steepness);
    if (random() < turns) signChanges += 1;
    const weekly = gains.growthAtRest - gains.growth * Math.log10(now.l1Strength / 1e-3) * 0.2;
    edges *= Math.exp((weekly * seconds * 1000) / weekMs + (noise * normal()) / 1000);
  }

  return {
    scrape(at, values) {
      past.push(values);
      if (past.length > delay + 1) past.shift();
      const now = past[0]!;
      if (random() < restarts) [cycles, signChanges] = [0, 0];
      const count = Math.floor(cyclesEachScrape + random());
      const seconds = (at - (before ?? at)) / 1000;
      for (let i = 0; i < count; i++) sleep(seconds / count, now);
      before = at;

      const relative = () => 1 + noise * normal();
      const heat = Math.log(now.annealT0 / 2);
      keep('consol_cycles_total', { at, value: cycles });
      sense('consol_energy_drop_ratio', at, (gains.dropAtRest + gains.drop * heat) * relative());
      sense('consol_settle_loops', at, gains.loopsAtRest * Math.exp(gains.loops * heat) * relative());
      sense('consol_energy_sign_changes_total', at, signChanges);
      sense('edge_count', at, Math.round(edges));
      sense(
        'kcl_psi_drift_rad',
        at,
        Math.abs(gains.driftAtRest * (50 / now.dmdRank) ** gains.drift * relative()),
      );
      sense('kcl_effective_rank', at, Math.round(gains.rank));
    },
    samples: () =>
      Object.fromEntries([...kept].map(([metric, samples]) => [metric, [{ labels: {}, samples }]])),
  };
}
