import type { MemoryCluster } from '../../../api/memory-cluster.js';
import type { Workload } from '../../../cluster/workloads.js';
import type { Stored } from '../../../reconcile/reconcile.js';
import type { RenderOptions } from './input.js';
import { labels, partName, type PartName } from './names.js';
import { clusterLabels } from './object.js';

/** One service of one track of a cluster, with all that its objects are made of. */
export interface Part {
  readonly cluster: Stored<MemoryCluster>;
  readonly workload: Workload;
  readonly options: RenderOptions;
}

/** Name of the workload and of the Service of a part. */
export function nameOf({ cluster, workload }: Part): string {
  return partName(cluster.metadata.name, workload.service, workload.track);
}

/** Labels of a part. The gateway stands in front of both tracks and has none. */
export function partLabels({ service, track }: Workload): Readonly<Record<string, string>> {
  return serviceLabels(service, service === 'gateway' ? undefined : track);
}

/** The labels by which the pods of a part are found; they never change while it lives. */
export function selectorOf({ cluster, workload }: Part): Readonly<Record<string, string>> {
  return { [labels.cluster]: cluster.metadata.name, ...partLabels(workload) };
}

/** Labels of the pods of a part: those of the spec, then ours. */
export function podLabels({ cluster, workload }: Part): Readonly<Record<string, string>> {
  return { ...workload.pod.labels, ...clusterLabels(cluster.metadata.name), ...partLabels(workload) };
}

/** Labels that name a part. */
export function serviceLabels(service: PartName, track?: string): Readonly<Record<string, string>> {
  return { [labels.service]: service, ...(track !== undefined && { [labels.track]: track }) };
}
