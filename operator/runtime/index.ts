export { backoffMs, type BackoffPolicy } from './clock/backoff.js';
export { pause, systemClock, type Clock, type Timer } from './clock/clock.js';
export { FakeClock } from './clock/fake-clock.js';
export { Deadlines } from './clock/deadlines.js';
export {
  ApiClient,
  type ApiClientOptions,
  type ApplyOptions,
  type CallOptions,
  type DeleteOptions,
  type ListOptions,
  type Page,
  type PatchOptions,
  type Selection,
  type WatchOptions,
  type WriteOptions,
} from './client/api-client.js';
export type { Connection, ConnectionOptions, Credentials, ServerTls } from './client/connection.js';
export {
  ApiError,
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  ProtocolError,
  type Status,
  type StatusDetails,
} from './client/errors.js';
export { loadConnection } from './client/load-connection.js';
export {
  keyOf,
  refOf,
  type KubeObject,
  type ManagedFields,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
} from './client/objects.js';
export { metadataOf, resourceType, type ResourceType } from './client/resource-type.js';
export { defaultRetryPolicy, type RetryPolicy } from './client/retry.js';
export type { WatchEvent } from './client/watch.js';
export { Controller, type ControllerOptions, type ReconcileResult } from './controller/controller.js';
export {
  EventRecorder,
  type EventReason,
  type EventRecorderOptions,
  type EventTiming,
} from './events/recorder.js';
export { firstProblem, Heartbeat, type Living } from './health/heartbeat.js';
export { byLabel, byOwner } from './informer/indexes.js';
export { createInformer, type Informer, type InformerOptions } from './informer/informer.js';
export { defaultReflectorTiming, type ReflectorTiming } from './informer/reflector.js';
export type { ChangeHandler, IndexFunction } from './informer/store.js';
export {
  defaultLeaseTiming,
  LeadershipLostError,
  runAsLeader,
  type LeaderOptions,
  type LeaseTiming,
} from './lease/run-as-leader.js';
export { createRuntimeMetrics, type RuntimeMetrics } from './metrics.js';
export { defaultQueueBackoff, WorkQueue, type WorkQueueOptions } from './queue/work-queue.js';
export { runWorkers, type WorkersOptions } from './queue/workers.js';
