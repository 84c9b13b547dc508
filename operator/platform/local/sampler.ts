import type { TuningProfile } from '../../api/tuning-profile.js';
import { keptMetrics } from '../../metrics/kept-metrics.js';
import type { SampleStore } from '../../metrics/sample-store.js';
import { scrapeRound, type ScrapeTarget } from '../../metrics/scrape.js';
import { tuningMetrics } from '../../metrics/tuning-samples.js';
import type { Machine } from './machine.js';
import { serviceNames } from './ports.js';

const scrapeTimeoutMs = 2_000;

/** Scrapes every process of this machine at the cluster's interval and keeps the samples. */
export class Sampler {
  readonly #samples: SampleStore;
  readonly #machine: Machine;
  #lastRound = 0;

  constructor(samples: SampleStore, machine: Machine) {
    this.#samples = samples;
    this.#machine = machine;
  }

  /** Makes a round when one is due. */
  async sample(intervalMs: number, profile: TuningProfile | undefined, now: number): Promise<void> {
    if (now - this.#lastRound < intervalMs) return;
    this.#lastRound = now;
    this.#samples.keep(keptMetrics(profile === undefined ? [] : tuningMetrics(profile.spec)));
    const { signal } = this.#machine;
    const round = await scrapeRound(targetsOf(this.#machine), {
      now: () => now,
      timeoutMs: scrapeTimeoutMs,
      signal,
    });
    this.#samples.append(round);
    await this.#samples.flush();
  }
}

/** The `/metrics` pages of the processes that are held now. */
function targetsOf({ supervisor, ports }: Machine): ScrapeTarget[] {
  const services = (['stable', 'canary'] as const).flatMap((track) =>
    serviceNames
      .filter((service) => supervisor.keys.includes(`${track}/${service}`))
      .map((service) => ({ service, track, url: pageAt(ports.service(service, track).metrics) })),
  );
  return [...services, { service: 'mcp-gateway', url: pageAt(ports.gatewayMetrics) }];
}

function pageAt(port: number): string {
  return `http://127.0.0.1:${port}/metrics`;
}
