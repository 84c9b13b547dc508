import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { Registry } from 'prom-client';

/** What the observability endpoint shows. */
export interface ObservedProcess {
  readonly registry: Registry;
  /** False while starting and while draining. */
  readonly ready: () => boolean;
}

/** Serves `/metrics`, `/livez` and `/readyz`. Resolves once it listens; port 0 takes a free one. */
export async function serveObservability(
  process: ObservedProcess,
  host: string,
  port: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') {
      response.writeHead(405).end();
    } else if (path === '/metrics') {
      process.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': process.registry.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    } else if (path === '/livez') {
      response.writeHead(200).end('ok\n');
    } else if (path === '/readyz') {
      const ready = process.ready();
      response.writeHead(ready ? 200 : 503).end(ready ? 'ok\n' : 'not ready\n');
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
