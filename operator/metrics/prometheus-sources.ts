import type { MemoryCluster } from '../api/memory-cluster.js';
import type { MetricsProvider } from '../samples/series.js';
import { PrometheusProvider } from './prometheus.js';
import type { PrometheusClientOptions } from './prometheus/client.js';

/** What the providers of all clusters share. */
export interface PrometheusSourcesOptions extends PrometheusClientOptions {
  /** Reads a key of a Secret. @throws Error when it is not there */
  readonly readSecret: (
    namespace: string,
    ref: { readonly name: string; readonly key: string },
  ) => Promise<string>;
}

/** The providers of clusters that name a Prometheus; each is kept while the cluster names the same one, with its token. */
export class PrometheusSources {
  readonly #options: PrometheusSourcesOptions;
  readonly #providers = new Map<string, { readonly wanted: string; readonly provider: PrometheusProvider }>();

  constructor(options: PrometheusSourcesOptions) {
    this.#options = options;
  }

  /** The provider of a cluster; undefined for one that is scraped. */
  of({ metadata, spec }: MemoryCluster): MetricsProvider | undefined {
    const { prometheus } = spec.monitoring;
    const { name: cluster, namespace = '' } = metadata;
    const key = `${namespace}/${cluster}`;
    if (prometheus === undefined) {
      this.#providers.delete(key);
      return undefined;
    }
    const wanted = JSON.stringify(prometheus);
    const known = this.#providers.get(key);
    if (known?.wanted === wanted) return known.provider;
    const { url, tokenSecret } = prometheus;
    const readToken = tokenSecret && (() => this.#options.readSecret(namespace, tokenSecret));
    const provider = new PrometheusProvider(
      { url, ...(readToken !== undefined && { readToken }) },
      { namespace, cluster },
      this.#options,
    );
    this.#providers.set(key, { wanted, provider });
    return provider;
  }

  /** Drops what is kept of a cluster that is gone. */
  forget({ metadata: { name, namespace = '' } }: Pick<MemoryCluster, 'metadata'>): void {
    this.#providers.delete(`${namespace}/${name}`);
  }
}
