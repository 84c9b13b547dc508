import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { toNodeHandler, type NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import type { McpHttpHandler } from '@modelcontextprotocol/server';
import type { Logger } from '../../common/logger.js';
import type { GatewayConfig } from '../config.js';
import { maxRequestBytes } from '../mcp.js';
import { rateGuard } from './rate-limit.js';
import { hostGuard, keyGuard, originGuard, refuse, sizeGuard, type Guard, type Refusal } from './guards.js';

/** What `/readyz` answers. */
export interface Readiness {
  readonly ready: boolean;
  /** Epoch of the shard table in force; absent without one. */
  readonly epoch: number | undefined;
}

/** What the HTTP server needs. */
export interface HttpDependencies {
  readonly mcp: McpHttpHandler;
  readonly apiKey: string;
  readonly readiness: () => Readiness;
  readonly logger: Logger;
}

/** Serves `/mcp` to clients with the API key, and `/livez` and `/readyz` to all. Resolves once it listens. */
export async function serveGateway(config: GatewayConfig, dependencies: HttpDependencies): Promise<Server> {
  const mcp = mcpRoute(config, dependencies);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    // While draining, a client's next request belongs on a connection to another replica.
    if (!server.listening) response.setHeader('connection', 'close');
    if (path === '/mcp') mcp(request, response);
    else if (path === '/livez') answer(response, 200, { live: true });
    else if (path === '/readyz') {
      const readiness = dependencies.readiness();
      answer(response, readiness.ready ? 200 : 503, readiness);
    } else refuse(response, { status: 404, message: `${path}: not found; expected /mcp, /livez or /readyz` });
  });
  server.listen(config.GATEWAY_PORT, config.GATEWAY_HOST);
  await once(server, 'listening');
  return server;
}

function mcpRoute(config: GatewayConfig, { mcp, apiKey, logger }: HttpDependencies) {
  const handle = toNodeHandler(mcp, {
    maxRequestBodySize: maxRequestBytes,
    onerror: (error) => logger.error({ err: error }, 'request failed'),
  });
  // A preflight carries no key.
  const siteGuards = [hostGuard(config.GATEWAY_HOST), originGuard(config.GATEWAY_ALLOWED_ORIGINS)];
  const limit = { perSecond: config.GATEWAY_RATE_PER_SECOND, burst: config.GATEWAY_RATE_BURST };
  // A wrong key costs a token too: guessing is held to the same rate.
  const callGuards = [rateGuard(limit, () => performance.now()), keyGuard(apiKey), sizeGuard];
  return (request: IncomingMessage, response: ServerResponse) => {
    const foreign = firstRefusal(siteGuards, request);
    if (foreign !== undefined) {
      refuse(response, foreign);
      return;
    }
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const refusal = firstRefusal(callGuards, request);
    if (refusal === undefined) void handle(request as NodeIncomingMessageLike, response);
    else refuse(response, refusal);
  };
}

function firstRefusal(guards: readonly Guard[], request: IncomingMessage): Refusal | undefined {
  for (const guard of guards) {
    const refusal = guard(request);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Lets a page of an accepted origin read the answers; the key travels in a header that the page has to know. */
function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return;
  response.setHeader('access-control-allow-origin', headers.origin);
  response.setHeader('vary', 'origin');
  const asked = headers['access-control-request-headers'];
  if (asked === undefined) return;
  response.setHeader('access-control-allow-methods', 'POST');
  response.setHeader('access-control-allow-headers', asked);
  response.setHeader('access-control-max-age', '600');
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
