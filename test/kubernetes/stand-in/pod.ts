import type { KubeObject } from '../../../operator/runtime/index.js';
import { resourceType } from '../../../operator/runtime/index.js';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } };
}

interface KeyItem {
  readonly key: string;
  readonly path: string;
}

/** What the stand-in reads of a pod. */
export interface StandInPod extends KubeObject {
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly command?: readonly string[];
      readonly env?: readonly EnvVar[];
      readonly ports?: readonly { readonly containerPort: number }[];
      readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
    }[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly emptyDir?: object;
      readonly secret?: { readonly secretName: string; readonly items?: readonly KeyItem[] };
      readonly configMap?: {
        readonly name: string;
        readonly items?: readonly KeyItem[];
        readonly optional?: boolean;
      };
      readonly persistentVolumeClaim?: { readonly claimName: string };
    }[];
  };
  readonly status?: object;
}

export const pods = resourceType<StandInPod>('v1', 'Pod', 'pods');

/** Name of the workload that a pod belongs to, from its own. */
export function workloadOf({ metadata: { name, ownerReferences } }: StandInPod): string {
  const replicaSet = ownerReferences?.some(({ kind }) => kind === 'ReplicaSet') === true;
  return name.replace(replicaSet ? /-[a-z0-9]+-[a-z0-9]+$/ : /-\d+$/, '');
}
