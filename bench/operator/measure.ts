import { setMaxListeners } from 'node:events';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metadataOf, resourceType, type ApiClient, type ResourceType } from '../../operator/runtime/index.js';
import type { AuditLog, Requests } from './audit.js';
import { nameOf, type Arena, type Contender } from './contender.js';
import { inParallel } from './parallel.js';
import { RunningProgram } from './process.js';
import { Readiness } from './readiness.js';
import type { ContenderResult } from './result.js';

/** How a contender is measured. */
export interface MeasureOptions {
  readonly audit: AuditLog;
  readonly restSeconds: number;
  readonly onProgress: (line: string) => void;
}

const namespaces = resourceType('v1', 'Namespace', 'namespaces', 'Cluster');
const fieldManager = 'bench';
/** A count that does not change for so long is the end. */
const quietMs = 5_000;
/** Between the last write of everything and the rest that is measured: garbage of the burst is collected in it. */
const calmMs = 60_000;
/** What a change that asks for nothing may take to lead to requests. */
const echoMs = 20_000;
/** A look at the number of children, which takes the API server some milliseconds. */
const lookEveryMs = 500;

/** Gives a contender its resources and measures it: creation, then rest, then a change that asks for nothing. */
export async function measure(
  contender: Contender,
  arena: Arena,
  options: MeasureOptions,
): Promise<Omit<ContenderResult, 'plainPerSecond'>> {
  const { onProgress } = options;
  const { namespace } = contender;
  await arena.client.apply(namespaces, { metadata: { name: namespace } }, { fieldManager });
  await contender.prepare(arena);
  const before = await countChildren(contender, arena.client);
  onProgress(`${contender.name} ${contender.version}: starts`);
  const program = new RunningProgram(await contender.program(arena), join(arena.folder, `${namespace}.log`));
  const stopping = new AbortController();
  // Each of the requests by which workloads are said to be ready listens for it.
  setMaxListeners(64, stopping.signal);
  const readiness = new Readiness(arena.client, [namespace]);
  let ready: Promise<void> | undefined;
  try {
    const created = await create(contender, arena, { before, program, onProgress });
    onProgress(
      `${contender.name}: ${created.childrenEach} children each after ${created.createSeconds.toFixed(1)} s`,
    );
    const settling = Date.now();
    ready = readiness.run(stopping.signal);
    await allSettled(contender, arena, program);
    const settleSeconds = (Date.now() - settling) / 1000;
    onProgress(`${contender.name}: at rest after another ${settleSeconds.toFixed(1)} s`);
    await sleep(calmMs);
    const rest = await restOf(contender, program, options);
    onProgress(`${contender.name}: ${rest.requestsPerSecond.toFixed(2)} requests/s at rest`);
    const touched = await touch(contender, arena, options);
    const { name, version } = contender;
    return { name, version, resources: arena.count, ...created, settleSeconds, rest, touched };
  } finally {
    stopping.abort();
    await ready?.catch(() => undefined);
    await program.stop();
  }
}

interface Creation {
  readonly before: number;
  readonly program: RunningProgram;
  readonly onProgress: (line: string) => void;
}

/** The first resource shows how many children there are to each; the clock runs for all others. */
async function create(contender: Contender, arena: Arena, { before, program, onProgress }: Creation) {
  const apply = (index: number) =>
    arena.client.apply(contender.resource, contender.manifest(index), { fieldManager });
  await apply(0);
  const childrenEach = (await quietCount(contender, arena.client, before)) - before;
  onProgress(`${contender.name}: ${childrenEach} children of the first`);
  const begun = performance.now();
  await inParallel(arena.count, apply, 1);
  const applied = (performance.now() - begun) / 1000;
  onProgress(`${contender.name}: all applied after ${applied.toFixed(1)} s`);
  const wanted = before + arena.count * childrenEach;
  for (;;) {
    program.usage();
    if ((await countChildren(contender, arena.client)) >= wanted) break;
    await sleep(lookEveryMs);
  }
  const createSeconds = (performance.now() - begun) / 1000;
  const objects = (arena.count - 1) * childrenEach;
  return { childrenEach, createSeconds, objectsPerSecond: objects / createSeconds };
}

async function quietCount(contender: Contender, client: ApiClient, before: number): Promise<number> {
  let count = before;
  let changedAt = Date.now();
  while (count === before || Date.now() - changedAt < quietMs) {
    await sleep(lookEveryMs);
    const now = await countChildren(contender, client);
    if (now !== count) changedAt = Date.now();
    count = now;
  }
  return count;
}

async function countChildren({ children, namespace }: Contender, client: ApiClient): Promise<number> {
  const counts = await Promise.all(children.map((type) => countOf(client, type, namespace)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A list of one object, with how many more there are. */
async function countOf(client: ApiClient, type: ResourceType, namespace: string): Promise<number> {
  const root = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  const page = (await client.raw(`${root}/namespaces/${namespace}/${type.plural}?limit=1`)) as {
    readonly items: readonly unknown[];
    readonly metadata: { readonly remainingItemCount?: number };
  };
  return page.items.length + (page.metadata.remainingItemCount ?? 0);
}

async function allSettled(contender: Contender, arena: Arena, program: RunningProgram): Promise<void> {
  for (;;) {
    program.usage();
    const { items } = await arena.client.list(contender.resource, { namespace: contender.namespace });
    if (items.length === arena.count && items.every((item) => contender.settled(item))) return;
    await sleep(2_000);
  }
}

async function restOf(
  { userAgents }: Contender,
  program: RunningProgram,
  { audit, restSeconds }: MeasureOptions,
): Promise<ContenderResult['rest']> {
  const { position } = audit;
  const begin = program.usage();
  await sleep((restSeconds / 2) * 1000);
  const [load = NaN] = loadavg();
  await sleep((restSeconds / 2) * 1000);
  const end = program.usage();
  await sleep(2_000);
  const seconds = (end.at - begin.at) / 1000;
  const requests = await audit.requests(userAgents, { position, from: begin.at, to: end.at });
  return {
    seconds,
    requests,
    requestsPerSecond: requests.total / seconds,
    cpuSecondsPerMinute: ((end.cpuSeconds - begin.cpuSeconds) * 60) / seconds,
    residentBytes: end.residentBytes,
    peakBytes: end.peakBytes,
    load,
  };
}

/** Every resource is looked at again; requests count until none came for a while. */
async function touch(
  { resource, namespace, userAgents }: Contender,
  { client, count }: Arena,
  { audit }: MeasureOptions,
): Promise<ContenderResult['touched']> {
  const { position } = audit;
  const from = Date.now();
  const annotations = { 'bench/touched': String(from) };
  await inParallel(count, (index) =>
    client.patch(
      metadataOf(resource),
      { namespace, name: nameOf(index) },
      { metadata: { annotations } },
      { type: 'merge' },
    ),
  );
  await sleep(echoMs);
  const requests: Requests = await audit.requests(userAgents, { position, from, to: Date.now() });
  return { requests, requestsPerResource: (requests.total - requests.leases) / count };
}
