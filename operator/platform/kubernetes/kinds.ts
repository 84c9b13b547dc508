import { memoryAction } from '../../api/memory-action.js';
import type { MemoryAction } from '../../api/memory-action.js';
import { memoryCluster } from '../../api/memory-cluster.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import { apiVersion } from '../../api/resource.js';
import { tuningProfile } from '../../api/tuning-profile.js';
import type { TuningProfile } from '../../api/tuning-profile.js';
import { resourceType, type KubeObject, type ResourceType } from '../../runtime/index.js';
import type { Child, Pod, Workload } from './trim.js';

export const clusterType = resourceType<MemoryCluster>(apiVersion, memoryCluster.kind, memoryCluster.plural);
export const profileType = resourceType<TuningProfile>(apiVersion, tuningProfile.kind, tuningProfile.plural);
export const actionType = resourceType<MemoryAction>(apiVersion, memoryAction.kind, memoryAction.plural);

/** Text in a ConfigMap. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Bytes in a Secret, as base64. */
export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

export const podType = resourceType<Pod>('v1', 'Pod', 'pods');
export const secretType = resourceType<Secret>('v1', 'Secret', 'secrets');
export const configMapType = resourceType<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const volumeClaimType = resourceType('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');
export const statefulSetType = resourceType<Workload>('apps/v1', 'StatefulSet', 'statefulsets');
export const deploymentType = resourceType<Workload>('apps/v1', 'Deployment', 'deployments');

/** A kind of which clusters have children. */
export interface ChildKind {
  readonly type: ResourceType<Child>;
  /** Workloads are watched whole, because their status is read; of all others metadata is enough. */
  readonly workload: boolean;
  /** Served only where an add-on is installed. */
  readonly optional: boolean;
  /** The field of a MemoryCluster that asks for an optional kind. */
  readonly askedBy?: string;
}

const plain = (version: string, kind: string, plural: string): ChildKind => ({
  type: resourceType<Child>(version, kind, plural),
  workload: false,
  optional: false,
});
const addOn = (version: string, kind: string, plural: string, askedBy: string): ChildKind => ({
  ...plain(version, kind, plural),
  optional: true,
  askedBy,
});

/** Every kind of child, in the order in which they are made: what pods need comes before the pods. */
export const childKinds: readonly ChildKind[] = [
  plain('v1', 'ServiceAccount', 'serviceaccounts'),
  plain('v1', 'ConfigMap', 'configmaps'),
  plain('v1', 'Service', 'services'),
  plain('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  plain('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  { type: statefulSetType, workload: true, optional: false },
  { type: deploymentType, workload: true, optional: false },
  plain('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  plain('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  addOn('gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes', 'spec.services.gateway.exposure.type'),
  addOn('gateway.networking.k8s.io/v1', 'GRPCRoute', 'grpcroutes', 'spec.services.gateway.exposure.grpcHost'),
  addOn('monitoring.coreos.com/v1', 'ServiceMonitor', 'servicemonitors', 'spec.monitoring.serviceMonitor'),
  addOn('monitoring.coreos.com/v1', 'PrometheusRule', 'prometheusrules', 'spec.monitoring.prometheusRule'),
];

/** `apiVersion/kind`: what finds a kind's cache. */
export function kindKey({
  apiVersion: version,
  kind,
}: {
  readonly apiVersion?: string;
  readonly kind?: string;
}): string {
  return `${version ?? ''}/${kind ?? ''}`;
}
