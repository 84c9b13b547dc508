import type { MemoryCluster } from '../../../api/memory-cluster.js';
import { programs } from '../../../cluster/workloads.js';
import { partName } from './names.js';
import { child, type RenderedObject } from './object.js';
import { nameOf, partLabels, selectorOf, type Part } from './part.js';

/** What stands around the Deployment of the gateway: disruption budget, autoscaler, and the way in from outside. */
export function gatewayObjects(part: Part): RenderedObject[] {
  return [...disruptionBudget(part), ...autoscaler(part), ...ingress(part), ...routes(part)];
}

/**
 * Only for what can lose a pod: a budget over one single writer either keeps every node from being drained or says nothing.
 */
function disruptionBudget(part: Part): RenderedObject[] {
  const { replicas, autoscaling } = part.cluster.spec.services.gateway;
  if ((autoscaling?.minReplicas ?? replicas) < 2) return [];
  const spec = {
    maxUnavailable: 1,
    // A pod that is not ready serves nobody: a drain need not wait for it.
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: selectorOf(part) },
  };
  return [of(part, 'policy/v1', 'PodDisruptionBudget', { spec })];
}

function autoscaler(part: Part): RenderedObject[] {
  const { autoscaling } = part.cluster.spec.services.gateway;
  if (autoscaling === undefined) return [];
  const { minReplicas, maxReplicas, targetCPUUtilization } = autoscaling;
  const target = { type: 'Utilization', averageUtilization: targetCPUUtilization };
  const spec = {
    minReplicas,
    maxReplicas,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: nameOf(part) },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
  };
  return [of(part, 'autoscaling/v2', 'HorizontalPodAutoscaler', { spec })];
}

function ingress(part: Part): RenderedObject[] {
  const { type, host, className, tlsSecret, annotations } = part.cluster.spec.services.gateway.exposure;
  if (type !== 'Ingress') return [];
  const backend = { service: { name: nameOf(part), port: { name: 'http' } } };
  const spec = {
    ...(className !== undefined && { ingressClassName: className }),
    ...(tlsSecret !== undefined && { tls: [{ hosts: [host], secretName: tlsSecret }] }),
    rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
  };
  return [of(part, 'networking.k8s.io/v1', 'Ingress', { spec, annotations })];
}

const gatewayApi = 'gateway.networking.k8s.io/v1';

function routes(part: Part): RenderedObject[] {
  const { cluster, options, workload } = part;
  const { type, host, grpcHost, annotations } = cluster.spec.services.gateway.exposure;
  if (type !== 'Route') return [];
  const parentRefs = parentsOf(cluster);
  const http = {
    parentRefs,
    hostnames: [host],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [backendOf(nameOf(part), workload.port)],
      },
    ],
  };
  const grpc = { parentRefs, hostnames: [grpcHost], rules: grpcRules(cluster.metadata.name) };
  return [
    ...(options.capabilities.httpRoute
      ? [of(part, gatewayApi, 'HTTPRoute', { spec: http, annotations })]
      : []),
    ...(options.capabilities.grpcRoute && grpcHost !== undefined
      ? [of(part, gatewayApi, 'GRPCRoute', { spec: grpc, annotations })]
      : []),
  ];
}

function parentsOf({ spec }: MemoryCluster): object[] {
  const { gateway } = spec.services.gateway.exposure;
  return gateway === undefined ? [] : [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...gateway }];
}

/** The four services by their names in proto/, as far as they are reached by name alone. */
const grpcServices = {
  vault: 'EpisodicVault',
  sleep: 'SleepScheduler',
  pruner: 'SparsePruner',
  koopman: 'KoopmanLearner',
} as const;

/** Each service of the stable track by its name; the canary is only reached through the gateway, which splits the keys. */
function grpcRules(cluster: string): object[] {
  return (Object.keys(grpcServices) as (keyof typeof grpcServices)[]).map((service) => ({
    matches: [{ method: { type: 'Exact', service: `tori.memory.v1.${grpcServices[service]}` } }],
    backendRefs: [backendOf(partName(cluster, service), programs[service].port)],
  }));
}

function backendOf(name: string, port: number): object {
  return { group: '', kind: 'Service', name, port, weight: 1 };
}

function of(
  part: Part,
  apiVersion: string,
  kind: string,
  {
    spec,
    annotations = {},
  }: { readonly spec: object; readonly annotations?: Readonly<Record<string, string>> },
): RenderedObject {
  const name = nameOf(part);
  return child(
    part.cluster,
    { apiVersion, kind, name, labels: partLabels(part.workload), annotations },
    { spec },
  );
}
