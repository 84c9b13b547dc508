import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Registry } from 'prom-client';

/** What the observability endpoint shows. */
export interface ObservedProcess {
  readonly registry: Registry;
  /** False while starting and while draining. */
  readonly ready: () => boolean;
  /** Why the process is stuck and should be restarted; undefined while it lives. Absent: it lives while it answers. */
  readonly problem?: () => string | undefined;
}

/** Serves `/metrics`, `/livez` and `/readyz`. Resolves once it listens; port 0 takes a free one. */
export async function serveObservability(
  process: ObservedProcess,
  host: string,
  port: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (request.method !== 'GET') response.writeHead(405).end();
    else if (path === '/metrics') void writeMetrics(process.registry, response);
    else writeProbe(process, path, response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

async function writeMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}

function writeProbe(process: ObservedProcess, path: string, response: ServerResponse): void {
  if (path === '/livez') {
    const problem = process.problem?.();
    response.writeHead(problem === undefined ? 200 : 503).end(`${problem ?? 'ok'}\n`);
  } else if (path === '/readyz') {
    const ready = process.ready();
    response.writeHead(ready ? 200 : 503).end(ready ? 'ok\n' : 'not ready\n');
  } else {
    response.writeHead(404).end();
  }
}
