import type { MemoryCluster, ServiceStatus } from '../../api/memory-cluster.js';
import { serviceNames, trackedServices, type ServiceName } from '../../api/services-spec.js';
import type { Track } from '../../cluster/workloads.js';
import type { TrackObservation } from '../../rollout/observation.js';
import { keyOf, type OwnerReference, type ResourceType } from '../../runtime/index.js';
import type { Caches } from './caches.js';
import { deploymentType, kindKey, statefulSetType } from './kinds.js';
import { labels } from './render/names.js';
import { troubleOf } from './pod-trouble.js';
import type { Pod, Workload } from './trim.js';

/** One service of one track, as the API server shows it. */
export interface ServiceSeen {
  readonly service: ServiceName;
  readonly track: Track;
  readonly workload: Workload;
  readonly pods: readonly Pod[];
  /** We have applied another version of the workload than the one we see. */
  readonly outdated: boolean;
}

/** The workloads of a cluster with their pods. */
export function servicesSeen(
  caches: Caches,
  cluster: MemoryCluster,
  isAhead: (type: ResourceType, workload: Workload) => boolean,
): ServiceSeen[] {
  const key = keyOf(cluster);
  const pods = caches.pods.by('cluster', key);
  const workloads = [statefulSetType, deploymentType].flatMap((type) =>
    ((caches.children.get(kindKey(type))?.by('cluster', key) ?? []) as readonly Workload[]).map(
      (workload) => ({ workload, outdated: isAhead(type, workload) }),
    ),
  );
  return workloads.flatMap(({ workload, outdated }) => {
    const service = serviceNames.find((name) => name === workload.metadata.labels?.[labels.service]);
    if (service === undefined) return [];
    const track = trackOf(workload);
    const own = pods.filter((pod) => isPodOf(pod, workload));
    return [{ service, track, workload, pods: own, outdated }];
  });
}

/** Labels anybody can give to a pod. Pods of a Deployment belong to its ReplicaSets: its name, a dash and a hash. */
function isPodOf({ metadata }: Pod, workload: Workload): boolean {
  const { name, uid } = workload.metadata;
  const owns = (owner: OwnerReference) =>
    owner.uid === uid ||
    (owner.kind === 'ReplicaSet' && owner.name.slice(0, owner.name.lastIndexOf('-')) === name);
  return metadata.ownerReferences?.some(owns) === true;
}

/** A track as the rollout wants to know it; undefined when no workload of it exists. */
export function trackObservation(seen: readonly ServiceSeen[], track: Track): TrackObservation | undefined {
  const own = seen.filter((one) => one.track === track && one.service !== 'gateway');
  if (own.length === 0) return undefined;
  const missing = trackedServices.filter((name) => own.every(({ service }) => service !== name));
  // What is wrong is told before what only takes its time.
  const troubles = [
    ...missing.map((name) => `${name}: its workload is missing`),
    ...own.filter((one) => !isReady(one)).map((one) => `${one.service}: ${messageOf(one) ?? 'starts'}`),
  ].sort((a, b) => Number(a.endsWith(': starts')) - Number(b.endsWith(': starts')));
  const revisions = new Set(own.map(({ workload }) => workload.metadata.labels?.[labels.revision]));
  const [revision] = revisions;
  const uniform = missing.length === 0 && revisions.size === 1 && own.every(isRolledOut);
  return {
    ...(uniform && revision !== undefined && { revision }),
    ready: troubles.length === 0,
    ...(troubles.length > 0 && { message: troubles.join('; ').slice(0, 900) }),
  };
}

/** The workloads in the words of a cluster's status. */
export function serviceStatuses(seen: readonly ServiceSeen[]): ServiceStatus[] {
  const order = (one: ServiceSeen) =>
    serviceNames.indexOf(one.service) + (one.track === 'canary' ? serviceNames.length : 0);
  return [...seen]
    .sort((a, b) => order(a) - order(b))
    .map((one) => {
      const { service: name, track, workload, pods } = one;
      const message = messageOf(one);
      const restarts = pods.reduce(
        (sum, { status }) =>
          sum + (status?.containerStatuses ?? []).reduce((n, c) => n + (c.restartCount ?? 0), 0),
        0,
      );
      return {
        name,
        track,
        revision: workload.metadata.labels?.[labels.revision] ?? '',
        wanted: wantedOf(workload),
        ready: readyOf(one),
        restarts,
        ...(message !== undefined && { message }),
      };
    });
}

/** Every pod is of the newest template and the workload's controller has seen it. */
function isRolledOut({ workload, outdated }: ServiceSeen): boolean {
  if (outdated || workload.status === undefined) return false;
  const { observedGeneration = -1, updatedReplicas = 0, replicas = 0 } = workload.status;
  const { currentRevision, updateRevision } = workload.status;
  const wanted = wantedOf(workload);
  const seen = observedGeneration >= (workload.metadata.generation ?? 0);
  return seen && updatedReplicas >= wanted && replicas <= wanted && currentRevision === updateRevision;
}

/** While pods are replaced at least one is not what it should be, however many answer. */
function readyOf(one: ServiceSeen): number {
  const { workload } = one;
  const ready = workload.status?.readyReplicas ?? 0;
  return isRolledOut(one) ? ready : Math.min(ready, Math.max(0, wantedOf(workload) - 1));
}

function isReady(one: ServiceSeen): boolean {
  const { workload } = one;
  return isRolledOut(one) && (workload.status?.readyReplicas ?? 0) >= wantedOf(workload);
}

function wantedOf({ spec }: Workload): number {
  return spec?.replicas ?? 1;
}

function messageOf(one: ServiceSeen): string | undefined {
  if (isReady(one)) return undefined;
  const troubles = one.pods.flatMap((pod) => troubleOf(pod) ?? []);
  // A pod that says something wrong is worth more than one that starts.
  const worst = troubles.find((text) => text !== 'starts' && text !== 'is being replaced') ?? troubles[0];
  return (worst ?? 'has no pod yet').slice(0, 1_024);
}

/** The gateway stands in front of both tracks and is counted with stable. */
function trackOf({ metadata }: Pod | Workload): Track {
  return metadata.labels?.[labels.track] === 'canary' ? 'canary' : 'stable';
}
