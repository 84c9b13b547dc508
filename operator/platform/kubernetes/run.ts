import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, loadConfig } from '../../../services/common/config/config.js';
import { createLogger, type Logger } from '../../../services/common/logger.js';
import { serveObservability } from '../../../services/common/server/http.js';
import { portError, processRegistry } from '../../../services/common/server/process.js';
import { group } from '../../api/resource.js';
import { packageVersion } from '../../package-version.js';
import { createOperatorMetrics } from '../../reconcile/operator-metrics.js';
import {
  ApiClient,
  createRuntimeMetrics,
  EventRecorder,
  firstProblem,
  Heartbeat,
  loadConnection,
  runAsLeader,
  systemClock,
  type Controller,
  type LeaseTiming,
  type ReflectorTiming,
} from '../../runtime/index.js';
import { clusterAddresses, type Addresses } from './addresses.js';
import { CacheSet } from './caches.js';
import { Children } from './children.js';
import { kubernetesEnvironment, type KubernetesConfig } from './config.js';
import { eventReasons } from './event-reasons.js';
import { lead, type Leading } from './lead.js';
import { PrometheusProviders } from './prometheus.js';

/** How often it is looked whether an add-on has been installed. */
const discoverEveryMs = 10 * 60_000;
/** The shortest time without a sign of the election that counts as its end; with a long lease it is the lease's length. */
const heartbeatMs = 60_000;

/** What a test puts in the place of the real thing. */
export interface Injected {
  readonly addresses?: Addresses;
  /** How watches keep up. */
  readonly watches?: Partial<ReflectorTiming>;
}

/**
 * Runs the operator against an API server until SIGTERM or SIGINT: caches always, controllers while it leads.
 * @throws ConfigError when a variable is wrong, no API server is named, or the metrics port is taken
 */
export async function runKubernetes(env: NodeJS.ProcessEnv, injected: Injected = {}): Promise<void> {
  const config = loadConfig(kubernetesEnvironment, env);
  const logger = createLogger('operator', config.LOG_LEVEL);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  const operator = await connectOperator(config, { env, logger, injected });
  const http = await serveObservability(
    {
      registry: operator.registry,
      ready: () => operator.caches.synced,
      problem: () => operator.problem(),
    },
    config.METRICS_HOST,
    config.METRICS_PORT,
  ).catch((cause: unknown) => {
    throw portError('METRICS_PORT', config.METRICS_PORT, cause);
  });
  logger.info({ version: packageVersion(), namespaces: config.WATCH_NAMESPACE }, 'operator runs');
  await operator.run(stopping.signal);
  http.close();
  http.closeAllConnections();
  logger.info('stopped');
}

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly injected: Injected;
}

async function connectOperator(config: KubernetesConfig, { env, logger, injected }: Surroundings) {
  const connection = await loadConnection({ env }).catch((cause: unknown) => {
    throw new ConfigError(`KUBECONFIG: no API server is known (${String(cause)})`, { cause });
  });
  const registry = processRegistry('operator', packageVersion());
  const metrics = createOperatorMetrics(registry);
  const runtimeMetrics = createRuntimeMetrics(registry);
  const client = new ApiClient({
    connection,
    metrics: runtimeMetrics,
    userAgent: `tori-operator/${packageVersion()}`,
  });
  const caches = new CacheSet({
    client,
    namespaces: config.WATCH_NAMESPACE,
    logger,
    ...(injected.watches !== undefined && { timing: injected.watches }),
  });
  const heartbeat = new Heartbeat(
    'leader election',
    Math.max(heartbeatMs, config.LEASE_SECONDS * 1_000),
    systemClock,
  );
  let controllers: readonly Controller[] = [];
  const leading: Omit<Leading, OfTerm> = {
    client,
    caches,
    metrics,
    runtimeMetrics,
    logger,
    clock: systemClock,
    addresses: injected.addresses ?? clusterAddresses,
    images: { release: config.TORI_IMAGE, redis: config.TORI_REDIS_IMAGE },
    operatorNamespace: config.POD_NAMESPACE ?? connection.namespace,
    stateFolder: config.STATE_DIR,
    workers: config.WORKERS,
    onControllers: (running) => (controllers = running),
  };

  async function run(signal: AbortSignal): Promise<void> {
    const following = caches.run(signal);
    await caches.discover(signal).catch((error: unknown) => logDiscovery(logger, error));
    await caches.whenSynced(signal).catch(() => undefined);
    const discovering = discoverNowAndThen(caches, logger, signal);
    while (!signal.aborted) await campaign(config, { leading, heartbeat, signal });
    await Promise.all([following, discovering]);
    await client.close();
  }

  return {
    registry,
    caches,
    problem: () => caches.problem() ?? firstProblem(caches.synced ? [heartbeat, ...controllers] : []),
    run,
  };
}

/** What is made anew each time that this process leads. */
type OfTerm = 'signal' | 'events' | 'children' | 'prometheus';

interface Candidacy {
  readonly leading: Omit<Leading, OfTerm>;
  readonly heartbeat: Heartbeat;
  readonly signal: AbortSignal;
}

/** Waits to lead, leads, and ends when the signal aborts or the lease is lost. What was known as leader is forgotten then. */
async function campaign(config: KubernetesConfig, { leading, heartbeat, signal }: Candidacy): Promise<void> {
  const { client, caches, logger, runtimeMetrics, operatorNamespace } = leading;
  await runAsLeader(
    {
      client,
      namespace: operatorNamespace,
      name: config.LEASE_NAME,
      identity: `${config.POD_NAME}_${randomUUID()}`,
      logger,
      signal,
      metrics: runtimeMetrics,
      timing: timingOf(config.LEASE_SECONDS),
      heartbeat,
    },
    async (leads, confirm) => {
      // Between the end of the lease and the news of it, as after a pause of the whole process, nothing may be written.
      const own = client.permittedBy(confirm);
      const events = new EventRecorder({
        client: own,
        reasons: eventReasons,
        controller: `${group}/operator`,
        instance: config.POD_NAME,
        onFailure: (error) => logger.warn({ err: error }, 'an event could not be written'),
      });
      const children = new Children({ client: own, caches, logger });
      const prometheus = new PrometheusProviders({ client: own, clock: systemClock, signal: leads });
      try {
        await lead({ ...leading, client: own, events, children, prometheus, signal: leads });
        await events.close();
      } finally {
        await own.close();
      }
    },
  );
}

/** The proportions of client-go: 15, 10 and 2 seconds. */
function timingOf(seconds: number): LeaseTiming {
  const leaseMs = seconds * 1_000;
  return { leaseMs, renewDeadlineMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15 };
}

async function discoverNowAndThen(caches: CacheSet, logger: Logger, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(discoverEveryMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await caches.discover(signal).catch((error: unknown) => logDiscovery(logger, error));
  }
}

function logDiscovery(logger: Logger, error: unknown): void {
  logger.warn({ err: error }, 'optional kinds could not be discovered; it is tried again');
}
