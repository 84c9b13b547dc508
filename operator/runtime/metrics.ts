import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics under the names of client-go and controller-runtime, so that dashboards and alerts made for Go operators work. */
export interface RuntimeMetrics {
  readonly requests: Counter<'code' | 'method' | 'host'>;
  readonly requestSeconds: Histogram<'verb' | 'host'>;
  readonly leader: Gauge<'name'>;
  readonly reconciles: Counter<'controller' | 'result'>;
  readonly errors: Counter<'controller'>;
  readonly panics: Counter<'controller'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly queue: QueueMetrics;
}

/** What is counted of a work queue. */
export interface QueueMetrics {
  readonly adds: Counter<'name'>;
  readonly retries: Counter<'name'>;
  readonly waitSeconds: Histogram<'name'>;
  readonly workSeconds: Histogram<'name'>;
  /** Shows a queue's gauges from now on; they are computed when somebody scrapes. */
  watch(name: string, read: () => QueueState): void;
}

/** A queue at one moment. */
export interface QueueState {
  /** Keys that wait for a worker. */
  readonly depth: number;
  /** Sum of the ages of work in progress, in seconds. */
  readonly unfinishedSeconds: number;
  /** Age of the oldest work in progress, in seconds. */
  readonly longestSeconds: number;
}

/** As in client-go: from 10 ns, ten times each. */
const queueBuckets = Array.from({ length: 10 }, (_, k) => 1e-8 * 10 ** k);
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Registers everything that the runtime counts. Once a registry. */
export function createRuntimeMetrics(registry: Registry = new Registry()): RuntimeMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server, by status code ("<error>" without an answer), method and host.',
      labelNames: ['code', 'method', 'host'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Time until the answer began, by verb (the HTTP method) and host.',
      labelNames: ['verb', 'host'],
      buckets: requestBuckets,
      registers,
    }),
    leader: new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process holds the lease.',
      labelNames: ['name'],
      registers,
    }),
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles, by controller and result.',
      labelNames: ['controller', 'result'],
      registers,
    }),
    errors: new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciles that failed, by controller.',
      labelNames: ['controller'],
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'How long a reconcile took, by controller.',
      labelNames: ['controller'],
      buckets: requestBuckets,
      registers,
    }),
    panics: new Counter({
      name: 'controller_runtime_reconcile_panics_total',
      help: 'Reconciles that failed by a mistake in the program.',
      labelNames: ['controller'],
      registers,
    }),
    queue: createQueueMetrics(registers),
  };
}

function createQueueMetrics(registers: Registry[]): QueueMetrics {
  const queues = new Map<string, () => QueueState>();
  const labelNames = ['name'] as const;
  const gauge = (name: string, help: string, field: keyof QueueState) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const [queue, read] of queues) this.set({ name: queue }, read()[field]);
      },
    });
  gauge('workqueue_depth', 'Keys that wait for a worker.', 'depth');
  gauge('workqueue_unfinished_work_seconds', 'Sum of the ages of work in progress.', 'unfinishedSeconds');
  gauge(
    'workqueue_longest_running_processor_seconds',
    'Age of the oldest work in progress.',
    'longestSeconds',
  );
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames, buckets: queueBuckets, registers });
  return {
    adds: counter('workqueue_adds_total', 'Keys that were added.'),
    retries: counter('workqueue_retries_total', 'Keys that were added again after a failure.'),
    waitSeconds: histogram('workqueue_queue_duration_seconds', 'How long keys waited for a worker.'),
    workSeconds: histogram('workqueue_work_duration_seconds', 'How long work on a key took.'),
    watch: (name, read) => void queues.set(name, read),
  };
}
