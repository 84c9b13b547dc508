import type { Server as HttpServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import { openBus, type ServiceBus } from '../bus/driver.js';
import { loadConfig, readSecretFile } from '../config/config.js';
import { serviceEnvironment, type ServiceConfig } from '../config/service-config.js';
import { createLogger, type Logger } from '../logger.js';
import { adapt } from './adapter.js';
import { bearerToken } from './authentication.js';
import { createCallMetrics } from './call-metrics.js';
import { serveObservability, type ObservedProcess } from './http.js';
import { portError, processRegistry, runProcess } from './process.js';
import { addReflection } from './reflection.js';
import type { ServedService } from './served-service.js';

export { serve, type ServedService } from './served-service.js';

/** What a service gets from the bootstrap. */
export interface ServiceContext<Config> {
  readonly config: Config & ServiceConfig;
  readonly logger: Logger;
  /** Registry behind `/metrics`; services add the contract's metrics to it. */
  readonly registry: Registry;
  /** The internal token, for calls to peers. */
  readonly token: string;
  /** The service's part in the event bus. */
  readonly bus: ServiceBus;
  /** Aborted when the drain begins: background work stops, open calls go on. */
  readonly signal: AbortSignal;
}

/** A started service. */
export interface RunningService {
  readonly services: readonly ServedService[];
  /** Called after the last call has ended: close stores here. */
  stop(): Promise<void>;
}

/** How a service is made. */
export interface ServiceDescription<Shape extends z.ZodRawShape> {
  /** Process name, for example `episodic-vault`. */
  readonly name: string;
  /** Environment beyond the common variables. */
  readonly environment: Shape;
  /** Opens stores and starts background work. May throw ConfigError for a path or value that cannot work. */
  start(context: ServiceContext<z.output<z.ZodObject<Shape>>>): Promise<RunningService>;
}

/** Ports that a service listens on, and how to stop it. */
export interface ServiceHandle {
  readonly grpcPort: number;
  readonly metricsPort: number;
  /** Refuses new work, lets open calls end within DRAIN_TIMEOUT_MS, closes the stores. */
  drain(): Promise<void>;
}

/**
 * Starts a service: configuration, logger, metrics, stores, health, reflection, listeners. Used by {@link runService} and
 * by tests that want a real service in their own process.
 * @throws ConfigError when a variable is missing or out of range, or a port is taken
 */
export async function startService<Shape extends z.ZodRawShape>(
  description: ServiceDescription<Shape>,
  env: NodeJS.ProcessEnv,
): Promise<ServiceHandle> {
  // The common schema is parsed again for its own type: the spread of a generic shape loses it.
  const config = {
    ...loadConfig(z.object(description.environment), env),
    ...loadConfig(z.object(serviceEnvironment), env),
  };
  const logger = createLogger(description.name, config.LOG_LEVEL);
  const token = readSecretFile('INTERNAL_TOKEN_FILE', config.INTERNAL_TOKEN_FILE);
  const registry = processRegistry(description.name, config.TORI_REVISION, { track: config.TORI_TRACK });
  const background = new AbortController();
  const calls = new AbortController();
  const shared = { logger, registry, token, signal: background.signal };
  const bus = openBus({ ...shared, name: description.name, config });
  const running = await description.start({ ...shared, config, bus });

  const server = new Server({
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc-node.flow_control_window': 4 * 1024 * 1024,
    ...(config.GRPC_MAX_CONNECTION_AGE_MS > 0 && {
      'grpc.max_connection_age_ms': config.GRPC_MAX_CONNECTION_AGE_MS,
      'grpc.max_connection_age_grace_ms': config.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
    }),
  });
  const dependencies = {
    logger,
    metrics: createCallMetrics(registry),
    authenticate: bearerToken(token),
    shutdown: calls.signal,
  };
  for (const { definition, handlers } of running.services) {
    server.addService(definition, adapt(definition, handlers, dependencies));
  }
  addReflection(server, {
    authenticate: dependencies.authenticate,
    services: running.services.map((service) => service.name),
  });
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  health.addToServer(server);

  let ready = true;
  const { grpcPort, http } = await listen(server, { registry, ready: () => ready }, config).catch(
    async (error: unknown) => {
      background.abort();
      server.forceShutdown();
      await bus.closed();
      await running.stop();
      throw error;
    },
  );
  for (const name of ['', ...running.services.map((service) => service.name)])
    health.setStatus(name, 'SERVING');
  const metricsPort = portOf(http);
  logger.info({ grpcPort, metricsPort, track: config.TORI_TRACK, revision: config.TORI_REVISION }, 'serving');

  const drain = async () => {
    ready = false;
    for (const name of ['', ...running.services.map((service) => service.name)])
      health.setStatus(name, 'NOT_SERVING');
    logger.info('draining');
    background.abort();
    await closeServer(server, config.DRAIN_TIMEOUT_MS, calls);
    await bus.closed();
    await running.stop();
    http.close();
    http.closeAllConnections();
    logger.info('stopped');
  };
  return { grpcPort, metricsPort, drain };
}

/** Runs a service as this process: drains on SIGTERM and SIGINT, ends with exit code 78 on a wrong configuration. */
export async function runService<Shape extends z.ZodRawShape>(
  description: ServiceDescription<Shape>,
): Promise<void> {
  await runProcess(description.name, () => startService(description, process.env));
}

/** Opens both listeners. Throws ConfigError naming the port that cannot be had. */
async function listen(server: Server, observed: ObservedProcess, config: ServiceConfig) {
  const grpcPort = await bind(server, config);
  const http = await serveObservability(observed, config.GRPC_HOST, config.METRICS_PORT).catch(
    (cause: unknown) => {
      throw portError('METRICS_PORT', config.METRICS_PORT, cause);
    },
  );
  return { grpcPort, http };
}

async function bind(server: Server, config: ServiceConfig): Promise<number> {
  // grpc-js would print a line of its own beside the error that we report.
  setLogVerbosity(logVerbosity.NONE);
  const host = isIPv6(config.GRPC_HOST) ? `[${config.GRPC_HOST}]` : config.GRPC_HOST;
  const address = `${host}:${config.GRPC_PORT}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(portError('GRPC_PORT', config.GRPC_PORT, error));
    });
  });
}

function portOf(server: HttpServer): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits for open calls; past the limit their signals are aborted and the connections cut. */
async function closeServer(server: Server, limitMs: number, calls: AbortController): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      calls.abort();
      server.forceShutdown();
      resolve();
    }, limitMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
