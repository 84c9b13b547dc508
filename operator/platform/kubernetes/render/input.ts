import type { MemoryCluster } from '../../../api/memory-cluster.js';
import type { TrackWish } from '../../../cluster/workloads.js';
import type { Stored } from '../../../reconcile/reconcile.js';

/** Kinds of others that may be missing on an API server. */
export interface Capabilities {
  /** `monitoring.coreos.com/v1` ServiceMonitor. */
  readonly serviceMonitor: boolean;
  /** `monitoring.coreos.com/v1` PrometheusRule. */
  readonly prometheusRule: boolean;
  /** `gateway.networking.k8s.io/v1` HTTPRoute. */
  readonly httpRoute: boolean;
  /** `gateway.networking.k8s.io/v1` GRPCRoute. */
  readonly grpcRoute: boolean;
}

/** What holds for every cluster that an operator renders. */
export interface RenderOptions {
  /** Repository of the release image, such as `ghcr.io/tori-memory/tori-memory`; its tag is the version of a track. */
  readonly image: string;
  /** Image of the managed Redis, with its tag. */
  readonly redisImage: string;
  /** Namespace of the operator, whose pods may call the services. */
  readonly operatorNamespace: string;
  readonly capabilities: Capabilities;
}

/** A cluster and what it has to run. */
export interface RenderInput {
  readonly cluster: Stored<MemoryCluster>;
  /** The tracks that have to be there; stable comes with the gateway. */
  readonly tracks: readonly TrackWish[];
  /**
   * Size in the claim template of each StatefulSet that exists already, by name. Kubernetes does not let a template change:
   * there the old size stays, and the claims themselves are grown (see {@link claimsOf}).
   */
  readonly claimTemplateSizes?: Readonly<Record<string, string>>;
}

/** A claim whose size may have to be raised. */
export interface WantedClaim {
  readonly name: string;
  readonly size: string;
}
