import type { DeploymentSpec, PersistentVolumeClaim, StatefulSetSpec } from './shapes.js';
import type { RenderInput, WantedClaim } from './input.js';
import { claimName, headlessName, labels } from './names.js';
import { child, type RenderedObject } from './object.js';
import { nameOf, partLabels, selectorOf, type Part } from './part.js';
import { podTemplateOf } from './pod.js';

const revisionHistoryLimit = 3;

type WantedVolume = NonNullable<Part['workload']['volume']>;

/** The StatefulSet of a part that has data, or the Deployment of one that has none. */
export function workloadObject(part: Part, sizes: RenderInput['claimTemplateSizes'] = {}): RenderedObject {
  const { cluster, workload } = part;
  const head = {
    apiVersion: 'apps/v1',
    name: nameOf(part),
    labels: { ...partLabels(workload), [labels.revision]: workload.revision },
  };
  const { volume } = workload;
  if (volume === undefined)
    return child(cluster, { ...head, kind: 'Deployment' }, { spec: deployment(part) });
  const claimed = { ...volume, size: sizes[head.name] ?? volume.size };
  return child(cluster, { ...head, kind: 'StatefulSet' }, { spec: statefulSet(part, claimed) });
}

/** The claims of a part, with the size that the spec asks for. */
export function claimsOf(part: Part): WantedClaim[] {
  const { replicas, volume } = part.workload;
  if (volume === undefined) return [];
  return Array.from({ length: replicas }, (_, ordinal) => ({
    name: claimName(nameOf(part), ordinal),
    size: volume.size,
  }));
}

function deployment(part: Part): DeploymentSpec {
  const { cluster, workload } = part;
  // An autoscaler owns the number: we would take it back at every apply.
  const scaled = workload.service === 'gateway' && cluster.spec.services.gateway.autoscaling !== undefined;
  return {
    ...(!scaled && { replicas: workload.replicas }),
    revisionHistoryLimit,
    selector: { matchLabels: selectorOf(part) },
    strategy:
      workload.service === 'gateway'
        ? { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
        : // Two sleep-schedulers would replay the same episodes.
          { type: 'Recreate' },
    template: podTemplateOf(part),
  };
}

function statefulSet(part: Part, volume: WantedVolume): StatefulSetSpec {
  const { cluster, workload } = part;
  return {
    replicas: workload.replicas,
    revisionHistoryLimit,
    serviceName: headlessName(nameOf(part)),
    selector: { matchLabels: selectorOf(part) },
    // With OrderedReady a pod that never gets ready would block its own replacement.
    podManagementPolicy: 'Parallel',
    updateStrategy: { type: 'RollingUpdate' },
    persistentVolumeClaimRetentionPolicy: retention(cluster.spec.storage.deletionPolicy),
    template: podTemplateOf(part),
    volumeClaimTemplates: [claimTemplate(volume)],
  };
}

/** What happens to claims when their StatefulSet goes or shrinks. */
export function retention(deletionPolicy: 'Retain' | 'Delete') {
  return { whenDeleted: deletionPolicy, whenScaled: 'Retain' } as const;
}

/** The claim for a volume, named `data`. */
export function claimTemplate({ size, storageClassName }: WantedVolume): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  };
}
