import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Duration } from '../../api/duration.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { programs } from '../../cluster/workloads.js';
import type { TuningProfile } from '../../api/tuning-profile.js';
import { keptMetrics } from '../../metrics/kept-metrics.js';
import { openSampleStore, type SampleStore } from '../../metrics/sample-store.js';
import { scrapeRound, type ScrapeTarget } from '../../metrics/scrape.js';
import { tuningMetrics, tuningSamples } from '../../metrics/tuning-samples.js';
import type { MetricsProvider } from '../../samples/series.js';
import type { TuningSamples } from '../../tuning/tune.js';
import type { Logger } from '../../../services/common/logger.js';
import type { Addresses } from './addresses.js';
import type { ServiceSeen } from './workload-status.js';

const scrapeTimeoutMs = 2_000;
/** Down-sampled samples of one cluster on disk. */
const sampleFileBytes = 8 * 1024 * 1024;

/** Where a cluster's samples come from and go to. */
export interface SamplerOptions {
  /** Folder of this cluster. */
  readonly folder: string;
  readonly addresses: Addresses;
  readonly logger: Logger;
  readonly now: () => number;
  /** A provider for a cluster that has a Prometheus; undefined for one that is scraped. */
  readonly prometheus: (cluster: MemoryCluster) => MetricsProvider | undefined;
}

/** What is there to scrape, and for whom. */
interface SampleNeed {
  readonly seen: readonly ServiceSeen[];
  readonly profile: TuningProfile | undefined;
  /** False while nothing is tuned and no canary runs: then nobody would read them. */
  readonly needsSamples: boolean;
}

/** For a cluster of which nobody reads samples: no file, no memory. */
const nothingRead: MetricsProvider = { window: () => Promise.resolve([]) };

/** Samples of one cluster: read from its Prometheus, or scraped from its pods and kept. */
export class Sampler {
  readonly #options: SamplerOptions;
  #store: SampleStore | undefined;
  #lastRound = -Infinity;
  #read: { readonly at: number; readonly uid: string; readonly samples: TuningSamples } | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Where decisions read; scrapes first when a round is due. */
  async provider(
    cluster: MemoryCluster,
    { seen, profile, needsSamples }: SampleNeed,
    signal: AbortSignal,
  ): Promise<MetricsProvider> {
    const prometheus = this.#options.prometheus(cluster);
    const due = needsSamples && this.msToNextRound(cluster) <= 0;
    // A round is over also when there was nothing to scrape: otherwise the next one would be due at once, again and again.
    if (due) this.#lastRound = this.#options.now();
    if (prometheus !== undefined) return prometheus;
    if (!needsSamples) {
      this.#store = undefined;
      return nothingRead;
    }
    const store = await this.#open();
    const targets = this.#targets(seen);
    if (due && targets.length > 0) {
      store.keep(keptMetrics(profile === undefined ? [] : tuningMetrics(profile.spec)));
      const at = this.#lastRound;
      store.append(await scrapeRound(targets, { now: () => at, timeoutMs: scrapeTimeoutMs, signal }));
      await store.flush();
    }
    return store;
  }

  /** Until there are new samples, in milliseconds; zero or less when it is time. */
  msToNextRound({ spec }: MemoryCluster): number {
    return this.#lastRound + Duration.parse(spec.monitoring.interval).milliseconds - this.#options.now();
  }

  /** What the tuner looks at: read once an interval, however many passes there are. */
  async tuningSamples(
    cluster: MemoryCluster,
    profile: TuningProfile,
    provider: MetricsProvider,
  ): Promise<TuningSamples> {
    const { now } = this.#options;
    const intervalMs = Duration.parse(cluster.spec.monitoring.interval).milliseconds;
    const uid = `${profile.metadata.uid ?? ''}/${profile.metadata.generation ?? 0}`;
    const read = this.#read;
    if (read?.uid === uid && now() - read.at < intervalMs / 2) return read.samples;
    const samples = await tuningSamples(provider, profile.spec);
    this.#read = { at: now(), uid, samples };
    return samples;
  }

  /** Deletes what is kept of a cluster that is gone. */
  async forget(): Promise<void> {
    this.#store = undefined;
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  async #open(): Promise<SampleStore> {
    if (this.#store !== undefined) return this.#store;
    const { folder, logger, now } = this.#options;
    await mkdir(folder, { recursive: true });
    this.#store = await openSampleStore({
      file: join(folder, 'samples.json'),
      maxBytes: sampleFileBytes,
      kept: keptMetrics(),
      now,
      onLost: (reason) => logger.warn({ folder, reason }, 'kept samples are lost; rules wait for new ones'),
    });
    return this.#store;
  }

  #targets(seen: readonly ServiceSeen[]): ScrapeTarget[] {
    return seen.flatMap(({ service, track, pods }) => {
      const { program, metricsPort } = programs[service];
      return pods.flatMap((pod) => {
        const url = isRunning(pod) ? this.#options.addresses.metrics(pod, metricsPort) : undefined;
        if (url === undefined) return [];
        // The replicas of the gateway count each for itself, and for both tracks.
        return [
          { service: program, url, ...(service === 'gateway' ? { instance: pod.metadata.name } : { track }) },
        ];
      });
    });
  }
}

function isRunning({ metadata, status }: ServiceSeen['pods'][number]): boolean {
  return status?.phase === 'Running' && metadata.deletionTimestamp === undefined;
}
