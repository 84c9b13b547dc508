import type { KubeObject } from '../../runtime/index.js';

/** Enough of a wanted child to tell whether it is there as it should be; of a workload `spec.replicas` is there too. */
export interface WantedHead extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

/** A child that is wanted, and the whole of it for when it is not there as it should be. */
export interface WantedObject extends WantedHead {
  whole(): KubeObject;
}
