import type { MemoryCluster } from '../../../api/memory-cluster.js';
import { desiredWorkloads, type Track, type Workload } from '../../../cluster/workloads.js';
import type { Stored } from '../../../reconcile/reconcile.js';
import { parametersOf } from './environment.js';
import { gatewayObjects } from './gateway.js';
import type { RenderInput, RenderOptions, WantedClaim } from './input.js';
import { monitoringObjects } from './monitoring.js';
import { labels, parametersName } from './names.js';
import { networkPolicies } from './network-policies.js';
import { child, type RenderedObject } from './object.js';
import type { Part } from './part.js';
import { redisClaims, redisObjects } from './redis.js';
import { serviceObjects } from './services.js';
import { claimsOf, workloadObject } from './workloads.js';

/**
 * Every object that a cluster has to have, in the order in which they are best applied: what pods refer to comes before
 * them. Secrets and the shard table are not among them, because what they hold is made once or by compare-and-set. Equal
 * input gives equal output, byte by byte.
 */
export function render(input: RenderInput, options: RenderOptions): RenderedObject[] {
  const { cluster, tracks, claimTemplateSizes } = input;
  const parts = partsOf(input, options);
  return [
    serviceAccount(cluster),
    ...networkPolicies(cluster, options),
    ...tracks.map(({ track }) => parameters(cluster, track, parts)),
    ...redisObjects(cluster, options, claimTemplateSizes),
    ...parts.flatMap(serviceObjects),
    ...parts.map((part) => workloadObject(part, claimTemplateSizes)),
    ...parts.filter(isGateway).flatMap(gatewayObjects),
    ...monitoringObjects(cluster, options),
  ];
}

/**
 * The claims of a cluster's StatefulSets, with the sizes that its spec asks for. Kubernetes makes them from the templates;
 * to grow them is left to the operator.
 */
export function wantedClaims(input: RenderInput, options: RenderOptions): WantedClaim[] {
  return [...redisClaims(input.cluster), ...partsOf(input, options).flatMap(claimsOf)];
}

function partsOf({ cluster, tracks }: RenderInput, options: RenderOptions): Part[] {
  return tracks.flatMap((wish) =>
    desiredWorkloads(cluster.spec, wish).map((workload) => ({ cluster, workload, options })),
  );
}

function isGateway({ workload }: Part): boolean {
  return workload.service === 'gateway';
}

/** Pods have an account of their own without any right, and no token of it. */
function serviceAccount(cluster: Stored<MemoryCluster>): RenderedObject {
  const head = { apiVersion: 'v1', kind: 'ServiceAccount', name: cluster.metadata.name };
  const imagePullSecrets = cluster.spec.imagePullSecrets;
  return child(cluster, head, {
    automountServiceAccountToken: false,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets }),
  });
}

function parameters(cluster: Stored<MemoryCluster>, track: Track, parts: readonly Part[]): RenderedObject {
  const workloads: Workload[] = parts.map(({ workload }) => workload).filter((one) => one.track === track);
  const name = parametersName(cluster.metadata.name, track);
  const head = { apiVersion: 'v1', kind: 'ConfigMap', name, labels: { [labels.track]: track } };
  return child(cluster, head, { data: parametersOf(workloads) });
}
