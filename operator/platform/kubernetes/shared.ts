import type { Logger } from '../../../services/common/logger.js';
import type { OperatorMetrics } from '../../reconcile/operator-metrics.js';
import type { ApiClient, Clock, EventRecorder } from '../../runtime/index.js';
import type { Addresses } from './addresses.js';
import type { Caches } from './caches.js';
import type { Children } from './children.js';
import type { EventReason } from './event-reasons.js';
import type { PrometheusProviders } from './prometheus.js';

/** What the controllers of all clusters share while this process leads. */
export interface Shared {
  readonly client: ApiClient;
  readonly caches: Caches;
  readonly children: Children;
  readonly events: EventRecorder<EventReason>;
  readonly metrics: OperatorMetrics;
  readonly addresses: Addresses;
  readonly images: Images;
  /** Where this operator runs: its pods may call the services. */
  readonly operatorNamespace: string;
  /** Folder of kept samples. */
  readonly stateFolder: string;
  readonly prometheus: PrometheusProviders;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Aborts when this process no longer leads. */
  readonly signal: AbortSignal;
  /** Asks for another pass over a cluster. */
  readonly wake: (key: string, delayMs: number) => void;
}

/** Images that are run when a spec names no other. */
export interface Images {
  /** Repository of the release image; the tag is `spec.version`. */
  readonly release: string;
  readonly redis: string;
}
