import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { TunableParameter, TuningStatus } from '../../operator/api/tuning-status.js';
import { validateManifest } from '../../operator/api/validate.js';
import { keptMetrics } from '../../operator/metrics/kept-metrics.js';
import { PrometheusProvider } from '../../operator/metrics/prometheus.js';
import { rolloutMetrics, stepCounts } from '../../operator/metrics/rollout-metrics.js';
import { openSampleStore, type SampleStore } from '../../operator/metrics/sample-store.js';
import { tuningSamples } from '../../operator/metrics/tuning-samples.js';
import { judge } from '../../operator/rollout/judge.js';
import type { MetricsProvider } from '../../operator/samples/series.js';
import { tune, type TuneInput } from '../../operator/tuning/tune.js';
import { seededRandom } from '../../services/common/network/random.js';
import type { Values } from '../plants/plant.js';
import { profileOf } from '../tuning/profile.js';
import { SimulatedDeployment } from './history.js';
import { prometheusMissing, startPrometheus, type PrometheusProcess } from './prometheus-server.js';
import { Recording, resultOf } from './recording.js';
import { describeWith } from '../harness/needs.js';

const missing = prometheusMissing();
const describeHere = describeWith(missing);

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const begin = Date.parse('2026-01-01T00:00:07Z');
const end = begin + 8.5 * dayMs;
const identity = { namespace: 'memory', cluster: 'mc' };
const profile = profileOf({ mode: 'Auto', rateLimit: { changes: 100, per: '24h' } });
const start: Values = { annealT0: 2, learningRate: 0.01, l1Strength: 0.001, dmdRank: 50 };
const { metrics: analysis } = analysisOf();

/** What a source led to at one instant. */
interface Outcome {
  readonly at: number;
  readonly adjustments: readonly unknown[];
  readonly conditions: readonly unknown[];
  readonly values: Values;
  readonly rollout: readonly unknown[] | undefined;
  readonly counts: unknown;
}

/** The operator over one source: its tuning status is its only memory. */
class Evaluations {
  readonly outcomes: Outcome[] = [];
  values = start;
  #status: TuningStatus | undefined;

  async evaluate(provider: MetricsProvider, at: number, withCanary: boolean): Promise<void> {
    const { status, adjustments, conditions } = tune({
      profile,
      samples: await tuningSamples(provider, profile),
      effective: effective(this.values, this.#status),
      status: this.#status,
      now: at,
      staleAfterMs: 3 * minuteMs,
    });
    this.#status = status;
    this.values = valuesOf(status);
    const canary = withCanary
      ? {
          rollout: [...(await verdicts(provider, at, 10)), ...(await verdicts(provider, at, 180))],
          counts: await stepCounts({ provider, windowMs: 47 * hourMs }),
        }
      : { rollout: undefined, counts: undefined };
    this.outcomes.push({ at, adjustments, conditions, values: this.values, ...canary });
  }
}

async function verdicts(provider: MetricsProvider, at: number, minutes: number): Promise<unknown[]> {
  const observed = await rolloutMetrics({ provider, windowMs: minutes * minuteMs });
  const circumstances = { now: new Date(at), staleAfterMs: 3 * minuteMs, confidence: 0.95, alone: false };
  return analysis
    .filter(({ name }) => name !== 'completion')
    .map((metric) => {
      const { judgement } = judge(metric, observed[metric.name as keyof typeof observed], circumstances);
      return { minutes, ...judgement };
    });
}

function effective(values: Values, status: TuningStatus | undefined): TuneInput['effective'] {
  const of = (name: TunableParameter) => ({
    value: values[name],
    source: status?.parameters[name].tuned === undefined ? ('Default' as const) : ('Tuner' as const),
  });
  return {
    annealT0: of('annealT0'),
    learningRate: of('learningRate'),
    l1Strength: of('l1Strength'),
    dmdRank: of('dmdRank'),
  };
}

function valuesOf({ parameters }: TuningStatus): Values {
  const of = (name: TunableParameter) => parameters[name].tuned ?? start[name];
  return {
    annealT0: of('annealT0'),
    learningRate: of('learningRate'),
    l1Strength: of('l1Strength'),
    dmdRank: of('dmdRank'),
  };
}

function analysisOf() {
  const result = validateManifest({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'MemoryCluster',
    metadata: { name: 'mc' },
    spec: { version: '1.0.0' },
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return (result.resource as MemoryCluster).spec.rollout.analysis;
}

/** Eight and a half days of scrapes, a minute apart, into our store and into a recording for Prometheus; evaluated as they come. */
async function record(seed: number, canaryErrors: number) {
  const folder = await mkdtemp(join(tmpdir(), 'samples-'));
  let now = begin;
  const store: SampleStore = await openSampleStore({
    file: join(folder, 'samples.json'),
    maxBytes: 1,
    kept: keptMetrics(),
    now: () => now,
    onLost: (reason) => {
      throw new Error(reason);
    },
  });
  const recording = new Recording();
  const deployment = new SimulatedDeployment(seededRandom(seed), { canaryErrors });
  const strangers = [
    { namespace: 'memory', cluster: 'other' },
    { namespace: 'elsewhere', cluster: 'mc' },
  ].map((one, index) => ({
    ...one,
    deployment: new SimulatedDeployment(seededRandom(seed + 1 + index), { canaryErrors: 0.9 }),
  }));
  const ours = new Evaluations();
  for (; now < end; now += minuteMs) {
    const canary = now > end - 2 * dayMs;
    const pages = deployment.scrape(now, ours.values, canary);
    store.append({ at: now, results: pages.map(resultOf) });
    for (const page of pages) recording.add(identity, now, page);
    for (const other of now > end - 6 * hourMs ? strangers : []) {
      for (const page of other.deployment.scrape(now, start, true)) recording.add(other, now, page);
    }
    if (isEvaluated(now)) await ours.evaluate(store, now, now > end - 12 * hourMs);
  }
  await rm(folder, { recursive: true });
  return { ours, history: recording.text() };
}

/** Every six hours, at the end every five minutes; in the middle of the five minutes that one down-sampled reading stands for. */
function isEvaluated(now: number): boolean {
  const minute = Math.floor(now / minuteMs);
  return minute % (now > end - 2 * hourMs ? 5 : 360) === 2;
}

describeHere('the same history by scraping and by Prometheus', () => {
  let prometheus: PrometheusProcess;
  let recorded: Awaited<ReturnType<typeof record>>;
  const theirs = new Evaluations();
  beforeAll(async () => {
    recorded = await record(11, 0.08);
    prometheus = await startPrometheus({ history: recorded.history });
    let now = begin;
    const provider = new PrometheusProvider({ url: prometheus.url }, identity, {
      now: () => now,
      timeoutMs: 10_000,
      signal: new AbortController().signal,
    });
    for (const { at } of recorded.ours.outcomes) {
      now = at;
      await theirs.evaluate(provider, at, at > end - 12 * hourMs);
    }
  });
  afterAll(() => prometheus.stop());

  test('leads to the same adjustments and conditions at every evaluation', () => {
    const of = ({ outcomes }: Evaluations) =>
      outcomes.map(({ at, adjustments, conditions, values }) => ({ at, adjustments, conditions, values }));
    expect(of(theirs)).toEqual(of(recorded.ours));
    expect(recorded.ours.outcomes.flatMap(({ adjustments }) => adjustments).length).toBeGreaterThan(3);
  });

  test('leads to the same judgement of the canary, over minutes and over hours', () => {
    const of = ({ outcomes }: Evaluations) => outcomes.map(({ rollout }) => rollout);
    expect(of(theirs)).toEqual(of(recorded.ours));
    expect(JSON.stringify(of(theirs))).toContain('"verdict":"fail"');
  });

  test('counts the same requests and sleeps of a step over days', () => {
    const of = ({ outcomes }: Evaluations) => outcomes.map(({ counts }) => counts);
    expect(of(theirs)).toEqual(of(recorded.ours));
  });
});
