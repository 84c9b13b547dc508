import { trackedServices } from '../../../api/services-spec.js';
import type { MemoryCluster } from '../../../api/memory-cluster.js';
import { programs } from '../../../cluster/workloads.js';
import type { Stored } from '../../../reconcile/reconcile.js';
import type { RenderOptions } from './input.js';
import { labels, partName } from './names.js';
import { child, type RenderedObject } from './object.js';
import { serviceLabels } from './part.js';
import { redisPort } from './redis.js';

const tcp = (port: number) => ({ protocol: 'TCP', port });
const grpcPorts = trackedServices.map((name) => tcp(programs[name].port));
const metricsPorts = Object.values(programs).map(({ metricsPort }) => tcp(metricsPort));
const gatewayPort = tcp(programs.gateway.port);

/**
 * Who may call the pods of a cluster. The first policy selects all of them, so that what no rule names is refused: services
 * answer to the cluster's own pods and to the operator, metrics to whoever scrapes, the gateway to all.
 */
export function networkPolicies(cluster: Stored<MemoryCluster>, options: RenderOptions): RenderedObject[] {
  const { name } = cluster.metadata;
  if (!cluster.spec.networkPolicies) return [];
  const own = { [labels.cluster]: name };
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': options.operatorNamespace } },
  };
  const policy = (at: string, matchLabels: object, ingress: readonly object[]) =>
    child(
      cluster,
      { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', name: at },
      { spec: { podSelector: { matchLabels }, policyTypes: ['Ingress'], ingress } },
    );
  return [
    policy(`${name}-pods`, own, [
      { from: [{ podSelector: { matchLabels: own } }], ports: [...grpcPorts, gatewayPort, tcp(redisPort)] },
      { from: [operator], ports: [...grpcPorts, gatewayPort] },
      { from: [{ namespaceSelector: {} }], ports: metricsPorts },
    ]),
    policy(partName(name, 'gateway'), { ...own, ...serviceLabels('gateway') }, [{ ports: [gatewayPort] }]),
    ...grpcPolicy(cluster, (ingress) =>
      policy(`${name}-grpc`, { ...own, [labels.track]: 'stable' }, ingress),
    ),
  ];
}

/** A GRPCRoute comes through proxies that we do not know; callers of the services still need the internal token. */
function grpcPolicy(
  { spec }: MemoryCluster,
  policy: (ingress: readonly object[]) => RenderedObject,
): RenderedObject[] {
  return spec.services.gateway.exposure.grpcHost === undefined ? [] : [policy([{ ports: grpcPorts }])];
}
