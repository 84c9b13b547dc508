import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool, type Dispatcher } from 'undici';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import type { ControlPlane } from '../cluster/control-plane.js';

/**
 * Where an operator dies around a status write: `before` the API server sees it, `unanswered` when it is stored and the
 * operator has not heard of it, or `answered`, right before it carries out what it has just stored.
 */
export const moments = ['before', 'unanswered', 'answered'] as const;
export type Moment = (typeof moments)[number];

/** Decides whether the operator dies at a status write, and when. */
export type Verdict = (written: MemoryCluster) => Moment | undefined;

/** A proxy between an operator and its API server that kills the operator at chosen status writes of MemoryClusters. */
export interface KillProxy {
  readonly kubeconfig: string;
  /** Set by the caller: kills the operator and resolves when it is dead. */
  kill: () => Promise<void>;
  verdict: Verdict;
  stop(): Promise<void>;
}

/** Starts a proxy that kills nobody until it is told to. */
export async function startKillProxy(plane: ControlPlane): Promise<KillProxy> {
  const upstream = new Pool(plane.server, {
    connect: { rejectUnauthorized: false },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let atNextWrite = false;
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = `${plane.kubeconfig}.killing`;
  writeFileSync(kubeconfig, readFileSync(plane.kubeconfig, 'utf8').replaceAll(plane.server, address), {
    mode: 0o600,
  });

  const proxy: KillProxy = {
    kubeconfig,
    kill: () => Promise.resolve(),
    verdict: () => undefined,
    async stop() {
      server.close();
      server.closeAllConnections();
      await upstream.destroy();
    },
  };

  const die = async (response: ServerResponse) => {
    await proxy.kill();
    response.destroy();
  };

  /** When the operator has to die at this request; undefined: it lives on. */
  const momentOf = (request: IncomingMessage, body: Buffer | undefined) => {
    if (atNextWrite && isCarriedOut(request)) {
      atNextWrite = false;
      return 'before';
    }
    const written = body === undefined ? undefined : clusterStatusIn(request, body);
    return written === undefined ? undefined : proxy.verdict(written);
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'GET' ? undefined : await read(request);
    const moment = momentOf(request, body);
    if (moment === 'before') {
      await die(response);
      return;
    }
    const answer = await pass(upstream, { request, response }, body);
    const stored = answer.statusCode === 200;
    if (moment === 'unanswered' && stored) {
      await answer.body.dump();
      await die(response);
      return;
    }
    if (moment === 'answered' && stored) atNextWrite = true;
    response.writeHead(answer.statusCode, endToEnd(answer.headers));
    response.flushHeaders();
    for await (const chunk of answer.body as AsyncIterable<Buffer>) response.write(chunk);
    response.end();
  }

  return proxy;
}

/** The cluster whose status a request would store. */
function clusterStatusIn({ method, url = '' }: IncomingMessage, body: Buffer): MemoryCluster | undefined {
  const path = url.split('?')[0] ?? '';
  if (method !== 'PUT' || !/\/memoryclusters\/[^/]+\/status$/.test(path)) return undefined;
  return JSON.parse(body.toString('utf8')) as MemoryCluster;
}

/** Anything that changes the world, but for the lease and what is only told. */
function isCarriedOut({ method, url = '' }: IncomingMessage): boolean {
  return method !== 'GET' && !url.includes('/leases/') && !url.includes('/events');
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function pass(
  upstream: Pool,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  body: Buffer | undefined,
): Promise<Dispatcher.ResponseData> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  return upstream.request({
    method: request.method as Dispatcher.HttpMethod,
    path: request.url ?? '/',
    headers: endToEnd(request.headers),
    body: body ?? null,
    signal: gone.signal,
  });
}

/** Headers that are not between two neighbours only (RFC 9110, 7.6.1). */
function endToEnd(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const ours = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ours.has(name) || value === undefined ? [] : [[name, value]],
    ),
  );
}
