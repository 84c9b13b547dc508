import type { Labels, Sample, Series } from '../../samples/series.js';
import type { KeptMetric } from '../kept-metrics.js';
import type { AnsweredSeries } from './answer.js';

/**
 * The answered series of one metric as scraping keeps them: series of one target that differ only in labels that are not
 * kept are added up, reading by reading; targets of which one took the place of the other are one series; targets that
 * were there together stay apart, told by `instance`. Values that are not finite leave a gap.
 */
export function seriesOf(answered: readonly AnsweredSeries[], kept: KeptMetric): Series[] {
  const groups = new Map<string, { readonly labels: Labels; readonly targets: Map<string, Target> }>();
  for (const { metric, values } of answered) {
    const labels = keptLabels(metric, kept);
    const key = JSON.stringify(labels);
    const group = groups.get(key) ?? { labels, targets: new Map<string, Target>() };
    groups.set(key, group);
    const identity = identityOf(metric);
    const target = group.targets.get(identity) ?? { name: nameOf(metric), sums: new Map<number, number>() };
    group.targets.set(identity, target);
    add(target.sums, values);
  }
  return [...groups.values()]
    .flatMap(({ labels, targets }) => joined(labels, [...targets.values()].map(readings)))
    .filter(({ samples }) => samples.length > 0);
}

interface Target {
  readonly name: string;
  readonly sums: Map<number, number>;
}

interface Readings {
  readonly name: string;
  readonly samples: readonly Sample[];
}

function keptLabels(metric: Labels, { by }: KeptMetric): Labels {
  const names = [...by, 'service', 'track'].sort();
  return Object.fromEntries(
    names.flatMap((name) => (metric[name] === undefined ? [] : [[name, metric[name]] as const])),
  );
}

/** What a scrape was of. All samples of one scrape have one time, so that they can be added up by it. */
function identityOf({ job = '', instance = '', pod = '' }: Labels): string {
  return JSON.stringify([job, instance, pod]);
}

function nameOf({ pod, instance = '' }: Labels): string {
  return pod ?? instance;
}

function add(sums: Map<number, number>, values: AnsweredSeries['values']): void {
  for (const [at, text] of values) {
    const instant = Math.round(at * 1000);
    sums.set(instant, (sums.get(instant) ?? 0) + numberOf(text));
  }
}

/** Prometheus writes infinities as `+Inf`; none of them is a sample. */
function numberOf(text: string): number {
  return text.endsWith('Inf') ? NaN : Number(text);
}

function readings({ name, sums }: Target): Readings {
  const samples = [...sums]
    .filter(([, value]) => Number.isFinite(value))
    .map(([at, value]) => ({ at, value }))
    .sort((a, b) => a.at - b.at);
  return { name, samples };
}

function joined(labels: Labels, targets: readonly Readings[]): Series[] {
  const inOrder = targets
    .filter(({ samples }) => samples.length > 0)
    .sort((a, b) => a.samples[0]!.at - b.samples[0]!.at || a.samples.at(-1)!.at - b.samples.at(-1)!.at);
  // A down-sampled reading that both have is of five minutes in which one followed the other.
  const tookTurns = inOrder.every((target, index) => {
    const next = inOrder[index + 1]?.samples[0]?.at ?? Infinity;
    return target.samples.at(-1)!.at <= next;
  });
  if (!tookTurns) {
    return inOrder.map(({ name, samples }) => ({ labels: { ...labels, instance: name }, samples }));
  }
  const samples = inOrder.flatMap((target, index) => {
    const next = inOrder[index + 1]?.samples[0]?.at ?? Infinity;
    return target.samples.filter(({ at }) => at < next);
  });
  return [{ labels, samples }];
}
