import type { MemoryCluster } from '../../api/memory-cluster.js';
import { PrometheusProvider } from '../../metrics/prometheus.js';
import { keyOf, type ApiClient, type Clock } from '../../runtime/index.js';
import type { MetricsProvider } from '../../samples/series.js';
import { secretType } from './kinds.js';

const queryTimeoutMs = 10_000;

interface PrometheusContext {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Query APIs of the clusters that have a Prometheus; one provider for as long as a cluster names the same server. */
export class PrometheusProviders {
  readonly #context: PrometheusContext;
  readonly #providers = new Map<string, { readonly of: string; readonly provider: MetricsProvider }>();

  constructor(context: PrometheusContext) {
    this.#context = context;
  }

  /** The provider of a cluster; undefined for one that is scraped. */
  of(cluster: MemoryCluster): MetricsProvider | undefined {
    const key = keyOf(cluster);
    const { prometheus } = cluster.spec.monitoring;
    if (prometheus === undefined) {
      this.#providers.delete(key);
      return undefined;
    }
    const of = JSON.stringify(prometheus);
    const known = this.#providers.get(key);
    if (known?.of === of) return known.provider;
    const provider = this.#connect(cluster, prometheus);
    this.#providers.set(key, { of, provider });
    return provider;
  }

  forget(key: string): void {
    this.#providers.delete(key);
  }

  #connect(
    { metadata: { name, namespace = '' } }: MemoryCluster,
    { url, tokenSecret }: NonNullable<MemoryCluster['spec']['monitoring']['prometheus']>,
  ): MetricsProvider {
    const { client, clock, signal } = this.#context;
    const readToken = async () => {
      if (tokenSecret === undefined) return '';
      const { data } = await client.get(secretType, { namespace, name: tokenSecret.name }, { signal });
      const value = data?.[tokenSecret.key];
      if (value === undefined) throw new Error(`Secret ${tokenSecret.name} has no key ${tokenSecret.key}`);
      return Buffer.from(value, 'base64').toString('utf8').trim();
    };
    return new PrometheusProvider(
      { url, ...(tokenSecret !== undefined && { readToken }) },
      { namespace, cluster: name },
      { now: () => clock.now(), timeoutMs: queryTimeoutMs, signal },
    );
  }
}
