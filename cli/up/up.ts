import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { localProblems } from '../../operator/api/local.js';
import { problemText, validateManifest, type Resource } from '../../operator/api/validate.js';
import type { MemoryCluster } from '../../operator/api/memory-cluster.js';
import { isTrue } from '../../operator/api/conditions.js';
import { prepareHome, type Home } from '../../operator/platform/local/home.js';
import { gatewayBase, portsOf } from '../../operator/platform/local/ports.js';
import { gatewayEpoch } from '../../operator/tracks/gateway-epoch.js';
import { ResourceStore } from '../../operator/platform/local/resources/store.js';
import { ConfigError, exitCodeConfig } from '../../services/common/config/config.js';
import { endpointsOf, howToUse } from './endpoints.js';
import { currentCluster, faultLines, follow } from './follow.js';
import { claim, runningUp } from './lock.js';
import { startOperator } from './operator-process.js';
import { preflight } from './preflight.js';
import { sayTo, type Say } from './say.js';
import { tour } from './tour/tour.js';

/** What `tori up` was asked for. */
export interface UpOptions {
  /** Print one JSON line when Ready, and nothing else on stdout. */
  readonly headless: boolean;
  /** Show the system at work on sample mail, the first time. */
  readonly demo: boolean;
  /** Manifests to apply at the start; the quick start's when there are none at all. */
  readonly files: readonly string[];
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const operatorEntry = join(root, 'dist', 'operator', 'main.js');

/**
 * Runs a whole TORI Memory on this machine until a signal stops it.
 * @returns the exit code: 0 after a clean stop, 1 when it cannot run here, 78 for a wrong configuration
 */
export async function up(options: UpOptions, env: NodeJS.ProcessEnv): Promise<number> {
  const say = sayTo(options.headless ? process.stderr : process.stdout);
  try {
    return await run(options, env, say);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.message.split('\n')) say.warn(line);
    return exitCodeConfig;
  }
}

async function run(options: UpOptions, env: NodeJS.ProcessEnv, say: Say): Promise<number> {
  const ports = portsOf(env);
  const home = prepareHome(env);
  const other = runningUp(home);
  if (other !== undefined) {
    say.warn(
      `TORI Memory is already running in ${home.root} (process ${other}). Stop it with: npx tori down`,
    );
    return 1;
  }
  const obstacles = await preflight(home, ports);
  if (obstacles.length > 0) {
    for (const line of obstacles) say.warn(line);
    return 1;
  }
  const store = new ResourceStore(home);
  if (!applyAtStart(store, options.files, say)) return 1;

  const release = claim(home);
  const stopping = new AbortController();
  // Every request in flight listens to it.
  setMaxListeners(0, stopping.signal);
  const signalled = stopOnSignals(stopping, say);
  const operator = startOperator(home, operatorEntry, (reason) => {
    say.warn(`The operator ended unexpectedly and is started again. ${reason}`);
  });
  const work = present(options, { home, ports, store, say, signal: stopping.signal });
  const outcome = await Promise.race([
    signalled.then(() => 0),
    operator.failed.then((reason) => {
      say.warn(`The operator cannot run: ${reason}`);
      return exitCodeConfig;
    }),
    work.then(() => signalled).then(() => 0),
  ]);
  stopping.abort();
  await work.catch(() => undefined);
  await operator.stop();
  release();
  say.done('Stopped. Everything is on disk; the next start goes on from here.');
  return outcome;
}

interface Presentation {
  readonly home: Home;
  readonly ports: ReturnType<typeof portsOf>;
  readonly store: ResourceStore;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** Shows what happens, until the signal aborts. */
async function present(options: UpOptions, presentation: Presentation): Promise<void> {
  const { home, ports, say } = presentation;
  const startedAt = Date.now();
  say.step(`TORI Memory starts in ${home.root}`);
  const cluster = await untilReady(presentation);
  if (cluster === undefined) return;
  const endpoints = endpointsOf(cluster.metadata.name, home, ports);
  say.done(
    `MemoryCluster ${endpoints.cluster} is Ready after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`,
  );
  for (const [name, { grpc }] of Object.entries(endpoints.services)) say.fact(`${name.padEnd(16)} ${grpc}`);
  if (options.headless) process.stdout.write(`${JSON.stringify(endpoints)}\n`);
  const context = { ...presentation, endpoints };
  const watching = follow(context);
  if (options.demo && !options.headless) await tour(context);
  if (!options.headless) say.plain(howToUse(endpoints, ports));
  await watching;
}

/** Waits for a cluster that is Ready and a gateway that answers, telling once every change of what it waits for. */
async function untilReady({ store, ports, say, signal }: Presentation): Promise<MemoryCluster | undefined> {
  let told = '';
  while (!signal.aborted) {
    const cluster = currentCluster(store);
    const { conditions = [], message = 'waiting for the operator' } = cluster?.status ?? {};
    // A status may be that of an earlier start; a gateway that serves its table is of this one.
    if (isTrue(conditions, 'Ready') && (await gatewayEpoch(gatewayBase(ports))) !== undefined) return cluster;
    const waiting = faultLines(store)[0] ?? message;
    if (waiting !== told) say.fact(waiting);
    told = waiting;
    await sleep(200, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Applies the given files, or the quick start where nothing was ever applied. False when a manifest is refused. */
function applyAtStart(store: ResourceStore, files: readonly string[], say: Say): boolean {
  const first = store.read().resources.length === 0;
  const wanted = files.length > 0 ? files : first ? [join(root, 'examples', 'quickstart.yaml')] : [];
  return wanted.every((file) =>
    parseAllDocuments(readFileSync(file, 'utf8')).every((document) =>
      applyOne(store, document.toJS(), file, say),
    ),
  );
}

function applyOne(store: ResourceStore, manifest: unknown, file: string, say: Say): boolean {
  const result = validateManifest(manifest);
  const problems = result.ok ? problemsHere(result.resource) : result.problems;
  for (const problem of problems) say.warn(`${file}: ${problemText(problem)}`);
  if (!result.ok || problems.length > 0) return false;
  store.apply(result.resource, manifest);
  return true;
}

function problemsHere(resource: Resource) {
  return resource.kind === 'MemoryCluster' ? localProblems(resource) : [];
}

/** Resolves at the first signal; a second one ends the process without waiting. */
function stopOnSignals(stopping: AbortController, say: Say): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (stopping.signal.aborted) process.exit(130);
        say.step('Stopping: services drain, then end (once more to end at once)');
        stopping.abort();
        resolve();
      });
    }
  });
}
