import type { Labels, MetricsProvider, Sample, Series } from '../samples/series.js';
import type { ExposedSample } from './exposition.js';
import type { KeptMetric } from './kept-metrics.js';
import { bucketEnd, longMs, seamAt } from './retention.js';
import { readSampleFile, writeSampleFile, type StoredSeries } from './sample-file.js';
import type { ScrapeRound, ScrapeTarget } from './scrape.js';

/** Where and how much. */
export interface SampleStoreOptions {
  /** File of the down-sampled samples. */
  readonly file: string;
  /** Most bytes of the file; the oldest samples go first. */
  readonly maxBytes: number;
  readonly kept: ReadonlyMap<string, KeptMetric>;
  readonly now: () => number;
  /** Called once when the file cannot be used; the store then starts empty, and tuning waits. */
  readonly onLost: (reason: string) => void;
}

/** Samples of our own scrapes. */
export interface SampleStore extends MetricsProvider {
  /** Takes a round in; failed targets and values that are not finite leave a gap. */
  append(round: ScrapeRound): void;
  /** Changes what is kept from now on, when a profile names other metrics. */
  keep(kept: ReadonlyMap<string, KeptMetric>): void;
  /** Writes the down-sampled samples, atomically, once every five minutes however often it is called. */
  flush(): Promise<void>;
}

interface StoredMetric {
  readonly metric: string;
  readonly labels: Labels;
  readonly long: boolean;
  recent: Sample[];
  /** One sample a bucket, the last one in it; the open bucket is its end. */
  sampled: Sample[];
}

/** Opens the store and reads what an earlier process has written. */
export async function openSampleStore(options: SampleStoreOptions): Promise<SampleStore> {
  const { file, maxBytes, now, onLost } = options;
  let { kept } = options;
  const all = new Map<string, StoredMetric>();
  for (const { metric, labels, samples } of await readSampleFile(file, onLost)) {
    const fresh = samples.filter(({ at }) => at > now() - longMs);
    all.set(keyOf(metric, labels), { metric, labels, long: true, recent: [], sampled: fresh });
  }
  let writtenBucket: number | undefined;

  function seriesOf({ name, retention }: KeptMetric, labels: Labels): StoredMetric {
    const key = keyOf(name, labels);
    const known = all.get(key);
    if (known !== undefined) return known;
    const series = { metric: name, labels, long: retention === 'long', recent: [], sampled: [] };
    all.set(key, series);
    return series;
  }

  return {
    append({ at, results }) {
      for (const result of results) {
        if (!('samples' in result)) continue;
        for (const [metric, labels, value] of added(result.target, result.samples, kept)) {
          take(seriesOf(metric, labels), { at, value });
        }
      }
      prune(all, now());
    },
    keep(next) {
      kept = next;
    },
    window(metric, labels, durationMs) {
      const after = now() - durationMs;
      const found = [...all.values()].filter(
        (series) => series.metric === metric && has(series.labels, labels),
      );
      return Promise.resolve(
        found
          .map((series) => since(series, after, seamAt(now())))
          .filter(({ samples }) => samples.length > 0),
      );
    },
    async flush() {
      const bucket = bucketEnd(now());
      if (bucket === writtenBucket) return;
      writtenBucket = bucket;
      await writeSampleFile(file, stored(all.values()), maxBytes);
    },
  };
}

/** The kept samples of a target, added up over the labels that are not. */
function added(
  target: ScrapeTarget,
  samples: readonly ExposedSample[],
  kept: ReadonlyMap<string, KeptMetric>,
): [KeptMetric, Labels, number][] {
  const sums = new Map<string, [KeptMetric, Labels, number]>();
  for (const { name, labels, value } of samples) {
    const metric = kept.get(name);
    if (metric === undefined) continue;
    const reduced = reduce(target, labels, metric);
    const key = keyOf(name, reduced);
    sums.set(key, [metric, reduced, (sums.get(key)?.[2] ?? 0) + value]);
  }
  return [...sums.values()].filter(([, , value]) => Number.isFinite(value));
}

function reduce({ service, track, instance }: ScrapeTarget, labels: Labels, { by }: KeptMetric): Labels {
  const ownTrack = track ?? labels['track'];
  const named = by.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]] as const]));
  return {
    ...Object.fromEntries(named),
    service,
    ...(ownTrack !== undefined && { track: ownTrack }),
    ...(instance !== undefined && { instance }),
  };
}

function take(series: StoredMetric, sample: Sample): void {
  series.recent.push(sample);
  if (!series.long) return;
  const open = series.sampled.at(-1);
  if (open !== undefined && bucketEnd(open.at) === bucketEnd(sample.at)) series.sampled.pop();
  series.sampled.push(sample);
}

function prune(all: Map<string, StoredMetric>, now: number): void {
  for (const [key, series] of all) {
    series.recent = after(series.recent, seamAt(now));
    series.sampled = after(series.sampled, now - longMs);
    if (series.recent.length === 0 && series.sampled.length === 0) all.delete(key);
  }
}

/**
 * Down-sampled samples up to the seam, each at the end of its five minutes, so that those of several metrics can be
 * joined; then the recent ones, of which an earlier process has left only the down-sampled ones.
 */
function since({ labels, recent, sampled }: StoredMetric, from: number, seam: number): Series {
  const begin = recent[0]?.at ?? Infinity;
  const older = sampled
    .filter(({ at }) => at < begin)
    .map((sample) => (sample.at > seam ? sample : { ...sample, at: bucketEnd(sample.at) }));
  return { labels, samples: [...after(older, from), ...after(recent, from)] };
}

function after(samples: Sample[], instant: number): Sample[] {
  const first = samples.findIndex(({ at }) => at > instant);
  if (first === 0) return samples;
  return first === -1 ? [] : samples.slice(first);
}

function stored(all: Iterable<StoredMetric>): StoredSeries[] {
  return [...all]
    .filter(({ long }) => long)
    .map(({ metric, labels, sampled }) => ({ metric, labels, samples: sampled }));
}

function has(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function keyOf(metric: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metric, sorted]);
}
