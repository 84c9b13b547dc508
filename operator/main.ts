import { setMaxListeners } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import { ConfigError, exitCodeConfig, loadConfig, readSecretFile } from '../services/common/config/config.js';
import { createLogger, logLevels } from '../services/common/logger.js';
import { serveObservability } from '../services/common/server/http.js';
import { keptMetrics } from './metrics/kept-metrics.js';
import { openSampleStore } from './metrics/sample-store.js';
import { prepareHome } from './platform/local/home.js';
import type { Machine } from './platform/local/machine.js';
import { LocalOperator } from './platform/local/operator.js';
import { portsOf } from './platform/local/ports.js';
import { ResourceStore } from './platform/local/resources/store.js';
import { Supervisor } from './platform/local/supervisor/supervisor.js';
import { BackgroundJobs } from './platform/local/tracks/background.js';
import { connectTrack } from './platform/local/tracks/clients.js';
import { CompletionProbe } from './platform/local/tracks/completion-probe.js';
import { Drain } from './platform/local/tracks/drain.js';
import { TrackState } from './platform/local/tracks/track-state.js';

const sampleFileBytes = 64 * 1024 * 1024;

/** Environment of the operator beside TORI_HOME and TORI_PORT_OFFSET. */
const environment = z.object({ LOG_LEVEL: z.enum(logLevels).default('info') });

const packageSchema = z.object({ version: z.string() });

/** The operator as a process: runs the loop of the local platform until SIGTERM, SIGINT, or the end of its parent. */
async function main(): Promise<void> {
  const { LOG_LEVEL } = loadConfig(environment, process.env);
  const ports = portsOf(process.env);
  const home = prepareHome(process.env);
  const logger = createLogger('operator', LOG_LEVEL);
  const pidFile = join(home.run, 'operator.pid');
  writeFileAtomic.sync(pidFile, String(process.pid));

  const stopping = new AbortController();
  const { signal } = stopping;
  // Every scrape, copy and wait listens to it.
  setMaxListeners(0, signal);
  const { version: packageVersion } = packageSchema.parse(
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
  );
  const token = readSecretFile('INTERNAL_TOKEN_FILE', home.internalTokenFile);
  const tracks = {
    stable: connectTrack(ports, 'stable', token),
    canary: connectTrack(ports, 'canary', token),
  };
  const jobs = new BackgroundJobs(logger);
  const machine: Machine = {
    home,
    ports,
    packageVersion,
    logger,
    signal,
    tracks,
    jobs,
    supervisor: new Supervisor({
      recordsFolder: join(home.run, 'processes'),
      logger,
      onExit: () => operator.wake(),
    }),
    drain: new Drain(join(home.run, 'drain.json'), logger),
    trackState: new TrackState(home),
    completion: new CompletionProbe({ home, jobs, tracks, signal }),
  };
  const samples = await openSampleStore({
    file: join(home.run, 'samples.json'),
    maxBytes: sampleFileBytes,
    kept: keptMetrics(),
    now: Date.now,
    onLost: (reason) => logger.warn({ reason }, 'kept samples are lost; rules wait for new ones'),
  });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'tori_process_info',
    help: 'Always 1; its labels name the process.',
    labelNames: ['service', 'pid'],
    registers: [registry],
  }).set({ service: 'operator', pid: process.pid }, 1);
  const operator = new LocalOperator({
    machine,
    store: new ResourceStore(home),
    samples,
    registry,
    now: () => new Date(),
  });
  const http = await serveObservability(
    { registry, ready: () => operator.alive },
    '127.0.0.1',
    ports.operatorMetrics,
  ).catch((cause: unknown) => {
    throw new ConfigError(
      `port ${ports.operatorMetrics} (operator metrics): cannot listen there; expected a free port`,
      { cause },
    );
  });

  for (const name of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(name, () => stopping.abort());
  logger.info({ home: home.root, version: packageVersion }, 'operator runs');
  await operator.run(signal);
  logger.info('stopping: services drain');
  await operator.stopAll();
  await jobs.settled();
  for (const track of Object.values(tracks)) track.close();
  http.close();
  http.closeAllConnections();
  rmSync(pidFile, { force: true });
  logger.info('stopped');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const wrong = error instanceof ConfigError;
    process.stderr.write(
      `operator: ${wrong ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(wrong ? exitCodeConfig : 1);
  },
);
