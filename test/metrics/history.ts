import type { ExposedSample } from '../../operator/metrics/exposition.js';
import type { Random } from '../../services/common/network/random.js';
import { createPlant, type Plant, type Values } from '../plants/plant.js';
import type { Scraped } from './recording.js';

const codes = ['OK', 'OK', 'OK', 'OK', 'OK', 'OK', 'OK', 'NOT_FOUND', 'UNAVAILABLE'] as const;
const bounds = ['0.005', '0.01', '0.05', '0.1', '1', '+Inf'] as const;

/** How a simulated deployment behaves. */
export interface DeploymentOptions {
  /** Share of the canary's requests that fail beside those that fail everywhere. */
  readonly canaryErrors: number;
}

/**
 * Pages of a whole deployment: two gateway replicas, stable and canary services. Processes restart, pods are replaced,
 * scrapes fail, a gauge is NaN before its first value.
 */
export class SimulatedDeployment {
  readonly #random: Random;
  readonly #options: DeploymentOptions;
  readonly #stable: Plant;
  readonly #gateways = [new Gateway('gateway-a'), new Gateway('gateway-b')];
  #sleepPod = 1;
  #canaryCycles = 0;

  constructor(random: Random, options: DeploymentOptions) {
    this.#random = random;
    this.#options = options;
    this.#stable = createPlant(random, 1);
  }

  /** What is scraped at an instant, under the parameters that stable has then. */
  scrape(at: number, values: Values, canary: boolean): Scraped[] {
    this.#stable.scrape(at, values);
    if (this.#random() < 0.0005) this.#sleepPod += 1;
    const readings = Object.entries(this.#stable.samples()).flatMap(([name, series]) => {
      const [first] = 'error' in series ? [] : series;
      const newest = first?.samples.at(-1);
      return newest?.at === at ? [{ name, value: newest.value }] : [];
    });
    const of = (prefix: RegExp) => readings.filter(({ name }) => prefix.test(name));
    const pages = [
      service('sleep', 'stable', `mc-sleep-${this.#sleepPod}`, of(/^consol_/)),
      service('pruner', 'stable', 'mc-pruner-0', of(/^edge_/)),
      service('koopman', 'stable', 'mc-koopman-0', this.#withGaps(of(/^kcl_/))),
      ...(canary ? [this.#canarySleep(), ...this.#gateways.map((gateway) => this.#serve(gateway))] : []),
    ];
    return pages.filter(() => this.#random() > 0.01);
  }

  #withGaps(readings: Reading[]): Reading[] {
    return readings.map(({ name, value }) => ({ name, value: this.#random() < 0.02 ? NaN : value }));
  }

  #canarySleep(): Scraped {
    if (this.#random() < 0.1) this.#canaryCycles += 1;
    return service('sleep', 'canary', 'mc-sleep-canary-1', [
      { name: 'consol_cycles_total', value: this.#canaryCycles },
      { name: 'consol_energy_drop_ratio', value: 0.2 + 0.05 * this.#random() },
    ]);
  }

  #serve(gateway: Gateway): Scraped {
    if (this.#random() < 0.001) gateway.restart();
    for (let i = 0; i < 12; i++) {
      const track = this.#random() < 0.5 ? 'canary' : 'stable';
      const drawn = codes[Math.floor(this.#random() * codes.length)]!;
      const broken = track === 'canary' && this.#random() < this.#options.canaryErrors;
      gateway.request(track, broken ? 'INTERNAL' : drawn, this.#random() ** 4);
    }
    return gateway.page();
  }
}

interface Reading {
  readonly name: string;
  readonly value: number;
}

function service(
  name: string,
  track: 'stable' | 'canary',
  pod: string,
  readings: readonly Reading[],
): Scraped {
  return {
    target: { service: name, track, url: `http://${pod}/metrics` },
    pod,
    samples: readings.map((reading) => ({ ...reading, labels: { track } })),
  };
}

/** Counters of one gateway replica. */
class Gateway {
  readonly #pod: string;
  #counters = new Map<string, ExposedSample>();

  constructor(pod: string) {
    this.#pod = pod;
  }

  restart(): void {
    this.#counters = new Map();
  }

  request(track: string, code: string, seconds: number): void {
    for (const tool of ['memory.put', 'memory.recall']) {
      this.#add('gateway_requests_total', { tool, code, track }, 1);
      for (const le of bounds) {
        const within = le === '+Inf' || seconds <= Number(le) ? 1 : 0;
        this.#add('gateway_request_seconds_bucket', { tool, track, le }, within);
      }
    }
    this.#add('gateway_put_get_checks_total', { track }, 1);
    this.#add('gateway_put_get_mismatch_total', { track }, 0);
  }

  page(): Scraped {
    return {
      target: { service: 'gateway', instance: this.#pod, url: `http://${this.#pod}/metrics` },
      pod: this.#pod,
      samples: [...this.#counters.values()],
    };
  }

  #add(name: string, labels: Record<string, string>, by: number): void {
    const key = JSON.stringify([name, labels]);
    this.#counters.set(key, { name, labels, value: (this.#counters.get(key)?.value ?? 0) + by });
  }
}
