import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import { loadConfig, readSecretFile } from '../common/config/config.js';
import { createLogger } from '../common/logger.js';
import { serveObservability } from '../common/server/http.js';
import { portError, processRegistry, type Drainable } from '../common/server/process.js';
import { gatewayEnvironment, type GatewayConfig } from './config.js';
import { EpisodeStore } from './episodes/store.js';
import { Verification } from './episodes/verification.js';
import { serveGateway, type HttpDependencies } from './http/server.js';
import { createMcpEndpoint } from './mcp.js';
import { createToolMetrics } from './metrics.js';
import { Recall } from './recall/recall.js';
import { Peers } from './routing/peers.js';
import { Router } from './routing/router.js';
import { watchTable } from './routing/table-source.js';

/** Process name of the gateway. */
export const gatewayName = 'mcp-gateway';

/** Ports that a gateway listens on, and how to stop it. */
export interface GatewayHandle extends Drainable {
  readonly port: number;
  readonly metricsPort: number;
}

/**
 * Starts the MCP gateway. It listens at once and is ready when there is a valid shard table.
 * @throws ConfigError when a variable is missing or out of range, or a port is taken
 */
export async function startGateway(env: NodeJS.ProcessEnv): Promise<GatewayHandle> {
  const config = loadConfig(z.object(gatewayEnvironment), env);
  const logger = createLogger(gatewayName, config.LOG_LEVEL);
  const apiKey = readSecretFile('API_KEY_FILE', config.API_KEY_FILE);
  const peers = new Peers(readSecretFile('INTERNAL_TOKEN_FILE', config.INTERNAL_TOKEN_FILE));
  const registry = processRegistry(gatewayName, config.TORI_REVISION);
  const tables = await watchTable(config.SHARD_TABLE_FILE, (table) => peers.adopt(table), logger);
  const router = new Router(tables, peers);
  const store = new EpisodeStore(router);
  const mcp = createMcpEndpoint({
    memory: {
      router,
      store,
      recall: new Recall(router, store),
      verification: new Verification(store, config.GATEWAY_VERIFY_SHARE, registry),
    },
    metrics: createToolMetrics(registry, tables),
    logger,
  });

  let draining = false;
  const readiness = () => ({
    ready: !draining && tables.peek() !== undefined,
    epoch: tables.peek()?.epoch,
  });
  const release = () => {
    tables.close();
    peers.close();
  };
  const { http, observability } = await listen(config, { mcp, apiKey, readiness, logger }, registry).catch(
    (error: unknown) => {
      release();
      throw error;
    },
  );
  const port = portOf(http);
  const metricsPort = portOf(observability);
  logger.info({ port, metricsPort, epoch: tables.peek()?.epoch }, 'serving');

  const drain = async () => {
    draining = true;
    logger.info('draining');
    await closeHttp(http, config.DRAIN_TIMEOUT_MS);
    await mcp.close();
    release();
    observability.close();
    observability.closeAllConnections();
    logger.info('stopped');
  };
  return { port, metricsPort, drain };
}

/** @throws ConfigError naming the port that is taken */
async function listen(config: GatewayConfig, dependencies: HttpDependencies, registry: Registry) {
  const http = await serveGateway(config, dependencies).catch((cause: unknown) => {
    throw portError('GATEWAY_PORT', config.GATEWAY_PORT, cause);
  });
  const ready = () => dependencies.readiness().ready;
  const observability = await serveObservability(
    { registry, ready },
    config.GATEWAY_HOST,
    config.METRICS_PORT,
  ).catch((cause: unknown) => {
    http.close();
    throw portError('METRICS_PORT', config.METRICS_PORT, cause);
  });
  return { http, observability };
}

/** Waits for open requests; past the limit their connections are cut, which cancels what they started. */
async function closeHttp(server: Server, limitMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), limitMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
