import type { MemoryCluster } from '../../../api/memory-cluster.js';
import { Duration } from '../../../api/duration.js';
import type { Stored } from '../../../reconcile/reconcile.js';
import { alertGroups } from './alerts.js';
import type { RenderOptions } from './input.js';
import { labels } from './names.js';
import { child, namespaceOf, type RenderedObject } from './object.js';

const apiVersion = 'monitoring.coreos.com/v1';

/** What the Prometheus operator needs to know of a cluster, where it is there and the cluster asks. */
export function monitoringObjects(
  cluster: Stored<MemoryCluster>,
  { capabilities }: RenderOptions,
): RenderedObject[] {
  const { monitoring } = cluster.spec;
  const { name } = cluster.metadata;
  const head = { apiVersion, name, labels: monitoring.labels };
  const rules = { groups: alertGroups({ namespace: namespaceOf(cluster), cluster: name }) };
  return [
    ...(monitoring.serviceMonitor && capabilities.serviceMonitor
      ? [child(cluster, { ...head, kind: 'ServiceMonitor' }, { spec: serviceMonitor(cluster) })]
      : []),
    ...(monitoring.prometheusRule && capabilities.prometheusRule
      ? [child(cluster, { ...head, kind: 'PrometheusRule' }, { spec: rules })]
      : []),
  ];
}

/** Series get the labels `cluster`, `service` and `track` by which the operator asks for them again. */
function serviceMonitor({ metadata, spec }: MemoryCluster): object {
  const { interval } = spec.monitoring;
  const { milliseconds } = Duration.parse(interval);
  return {
    selector: { matchLabels: { [labels.cluster]: metadata.name } },
    endpoints: [
      {
        port: 'metrics',
        interval,
        scrapeTimeout: milliseconds < 10_000 ? interval : '10s',
        // The gateway counts for both tracks and says so itself.
        honorLabels: true,
        relabelings: (['cluster', 'service', 'track'] as const).map((target) => ({
          action: 'replace',
          sourceLabels: [`__meta_kubernetes_service_label_${labels[target].replace(/[^a-zA-Z0-9_]/g, '_')}`],
          targetLabel: target,
        })),
      },
    ],
  };
}
