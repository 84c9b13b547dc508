import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type Dispatcher } from 'undici';
import type { ControlPlane } from './control-plane.js';
import type { Fault, FaultPlan } from './faults.js';

/** A reverse proxy in front of an API server that does to requests what networks and busy servers do to them. */
export interface FaultProxy {
  /** `https://127.0.0.1:PORT`, with the API server's own certificate. */
  readonly server: string;
  /** Path of a copy of the control plane's kubeconfig that goes through the proxy. */
  readonly kubeconfig: string;
  /** Strikes by kind since the start. */
  readonly struck: ReadonlyMap<Fault['kind'], number>;
  /** Requests since the start. */
  readonly requests: number;
  /** Decides from now on; undefined: everything is passed on. */
  plan(plan: FaultPlan | undefined): void;
  /** Path of a copy of another kubeconfig of the same control plane that goes through the proxy. */
  through(kubeconfig: string): string;
  /** Hangs up on everybody. */
  cutConnections(): void;
  stop(): Promise<void>;
}

/** Starts a proxy that passes everything on until it is given a plan. */
export async function startFaultProxy(cluster: ControlPlane): Promise<FaultProxy> {
  const upstream = new Pool(cluster.server, {
    connect: { rejectUnauthorized: false },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const certificates = join(cluster.folder, 'certificates');
  const struck = new Map<Fault['kind'], number>();
  const sockets = new Set<Socket>();
  let requests = 0;
  let plan: FaultPlan | undefined;

  const server = createServer(
    {
      cert: readFileSync(join(certificates, 'apiserver.crt')),
      key: readFileSync(join(certificates, 'apiserver.key')),
    },
    (request, response) => {
      requests++;
      const path = request.url ?? '/';
      const watch = new URL(path, cluster.server).searchParams.get('watch') === 'true';
      const fault = plan?.({ method: request.method ?? 'GET', path, watch });
      if (fault !== undefined) struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1);
      serve(upstream, { request, response }, fault).catch(() => response.destroy());
    },
  );
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const through = (kubeconfig: string) => {
    const path = kubeconfig.replace(/(\.kubeconfig)?$/, '.through-proxy.kubeconfig');
    writeFileSync(path, readFileSync(kubeconfig, 'utf8').replaceAll(cluster.server, address), {
      mode: 0o600,
    });
    return path;
  };
  return {
    server: address,
    kubeconfig: through(cluster.kubeconfig),
    struck,
    get requests() {
      return requests;
    },
    plan: (next) => (plan = next),
    through,
    cutConnections: () => sockets.forEach((socket) => socket.destroy()),
    async stop() {
      server.close();
      server.closeAllConnections();
      await upstream.destroy();
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function serve(upstream: Pool, exchange: Exchange, fault: Fault | undefined): Promise<void> {
  if (fault === undefined || 'bytes' in fault) {
    await stream(await pass(upstream, exchange), exchange.response, fault);
    return;
  }
  const { response } = exchange;
  switch (fault.kind) {
    case 'status':
      answerStatus(response, fault.code, fault.retryAfterSeconds);
      return;
    case 'timeout':
      await sleep(fault.ms, undefined, { ref: false });
      response.destroy();
      return;
    case 'cut-request':
      response.destroy();
      return;
    case 'cut-answer':
      await (await pass(upstream, exchange)).body.dump();
      response.destroy();
      return;
    case 'error-event':
      answerWatch(response, JSON.stringify({ type: 'ERROR', object: statusObject(fault.code) }));
      return;
    case 'garbage':
      answerWatch(response, '{"type":"ADDED","object":{"metadata"');
      return;
  }
}

/** Sends a request on. It is cut when the client goes away. */
function pass(upstream: Pool, { request, response }: Exchange): Promise<Dispatcher.ResponseData> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const headers = endToEnd(request.headers);
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  return upstream.request({
    method: request.method as Dispatcher.HttpMethod,
    path: request.url ?? '/',
    headers,
    body: hasBody ? request : null,
    signal: gone.signal,
  });
}

type StreamFault = Extract<Fault, { readonly bytes: number }>;

async function stream(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  response: ServerResponse,
  fault: StreamFault | undefined,
): Promise<void> {
  response.writeHead(statusCode, endToEnd(headers));
  response.flushHeaders();
  let left = fault?.bytes ?? Infinity;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    left -= part.length;
    if (part.length > 0 && !response.write(part)) await once(response, 'drain');
    if (left > 0) continue;
    if (fault?.kind === 'cut-stream') response.destroy();
    // A stalled one ends when the client hangs up.
    else if (!response.closed) await once(response, 'close');
    return;
  }
  response.end();
}

/** Headers that are not between two neighbours only (RFC 9110, 7.6.1). */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const ours = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding']);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ours.has(name)));
}

function answerWatch(response: ServerResponse, line: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${line}\n`);
}

function answerStatus(response: ServerResponse, code: number, retryAfterSeconds: number | undefined): void {
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify(statusObject(code)));
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function statusObject(code: number): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'a fault was injected',
    reason: reasons[code],
    code,
  };
}
