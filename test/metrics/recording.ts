import type { ExposedSample } from '../../operator/metrics/exposition.js';
import type { ScrapeResult, ScrapeTarget } from '../../operator/metrics/scrape.js';

/** A process whose page is read by both: by us, and by Prometheus under the labels of its ServiceMonitor. */
export interface Scraped {
  readonly target: ScrapeTarget;
  readonly pod: string;
  readonly samples: readonly ExposedSample[];
}

/** Labels of the cluster, as relabelling sets them. */
export interface RecordedCluster {
  readonly namespace: string;
  readonly cluster: string;
}

/** Writes down what a Prometheus would have stored of scrapes, for `promtool tsdb create-blocks-from openmetrics`. */
export class Recording {
  readonly #lines = new Map<string, string[]>();

  add({ namespace, cluster }: RecordedCluster, at: number, { target, pod, samples }: Scraped): void {
    for (const { name, labels, value } of samples) {
      const all = {
        ...exposed(labels, target),
        namespace,
        cluster,
        service: target.service,
        ...(target.track !== undefined && { track: target.track }),
        job: `${cluster}-${target.service}`,
        instance: `${pod}:9090`,
        pod,
      };
      const line = `${name}{${labelText(all)}} ${numberText(value)} ${(at / 1000).toFixed(3)}`;
      const lines = this.#lines.get(name);
      if (lines === undefined) this.#lines.set(name, [line]);
      else lines.push(line);
    }
  }

  /** The OpenMetrics text. */
  text(): string {
    return `${[...this.#lines.values()].map((lines) => lines.join('\n')).join('\n')}\n# EOF\n`;
  }
}

/** What our own scrape of the same page would have given. */
export function resultOf({ target, samples }: Scraped): ScrapeResult {
  return { target, samples };
}

/** A label that the target has too is renamed, as Prometheus does it without `honor_labels`. */
function exposed(labels: Readonly<Record<string, string>>, { track }: ScrapeTarget): Record<string, string> {
  if (track === undefined || labels['track'] === undefined) return labels;
  const { track: own, ...others } = labels;
  return { ...others, exported_track: own };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
