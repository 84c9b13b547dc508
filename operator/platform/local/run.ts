import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { ConfigError, loadConfig, readSecretFile } from '../../../services/common/config/config.js';
import { createLogger, logLevels, type Logger } from '../../../services/common/logger.js';
import { serveObservability } from '../../../services/common/server/http.js';
import { processRegistry } from '../../../services/common/server/process.js';
import { keptMetrics } from '../../metrics/kept-metrics.js';
import { openSampleStore } from '../../metrics/sample-store.js';
import { packageVersion } from '../../package-version.js';
import { BackgroundJobs } from '../../tracks/background.js';
import { connectTrack } from '../../tracks/clients.js';
import { TrackDuties } from '../../tracks/duties.js';
import { FileDocuments } from './file-documents.js';
import { prepareHome, type Home } from './home.js';
import { LocalOperator } from './operator.js';
import { portsOf, serviceAddresses, type Ports } from './ports.js';
import { ResourceStore } from './resources/store.js';
import { Supervisor } from './supervisor/supervisor.js';

const sampleFileBytes = 64 * 1024 * 1024;

/** Environment of the operator beside TORI_HOME and TORI_PORT_OFFSET. */
const environment = z.object({ LOG_LEVEL: z.enum(logLevels).default('info') });

/**
 * Runs the loop of the local platform until SIGTERM, SIGINT, or the end of its parent.
 * @throws ConfigError when a variable is wrong or the metrics port is taken
 */
export async function runLocal(env: NodeJS.ProcessEnv): Promise<void> {
  const { LOG_LEVEL } = loadConfig(environment, env);
  const ports = portsOf(env);
  const home = prepareHome(env);
  const logger = createLogger('operator', LOG_LEVEL);
  const pidFile = join(home.run, 'operator.pid');
  writeFileAtomic.sync(pidFile, String(process.pid));

  const stopping = new AbortController();
  // Every scrape, copy and wait listens to it.
  setMaxListeners(0, stopping.signal);
  const { operator, registry, close } = await assemble({ home, ports, logger, signal: stopping.signal });
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
  logger.info({ home: home.root, version: packageVersion() }, 'operator runs');
  await operator.run(stopping.signal);
  logger.info('stopping: services drain');
  await operator.stopAll();
  await close();
  http.close();
  http.closeAllConnections();
  rmSync(pidFile, { force: true });
  logger.info('stopped');
}

interface Parts {
  readonly home: Home;
  readonly ports: Ports;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

async function assemble({ home, ports, logger, signal }: Parts) {
  const token = readSecretFile('INTERNAL_TOKEN_FILE', home.internalTokenFile);
  const tracks = {
    stable: connectTrack(serviceAddresses(ports, 'stable'), token),
    canary: connectTrack(serviceAddresses(ports, 'canary'), token),
  };
  const now = () => new Date();
  const jobs = new BackgroundJobs(logger);
  const documents = new FileDocuments(home.run);
  const duties = new TrackDuties({ documents, jobs, tracks, logger, now, signal });
  const supervisor = new Supervisor({
    recordsFolder: join(home.run, 'processes'),
    logger,
    onExit: () => operator.wake(),
  });
  const samples = await openSampleStore({
    file: join(home.run, 'samples.json'),
    maxBytes: sampleFileBytes,
    kept: keptMetrics(),
    now: Date.now,
    onLost: (reason) => logger.warn({ reason }, 'kept samples are lost; rules wait for new ones'),
  });
  const registry = processRegistry('operator', packageVersion());
  const operator = new LocalOperator({
    machine: { home, ports, packageVersion: packageVersion(), logger, signal, duties, supervisor },
    store: new ResourceStore(home),
    samples,
    registry,
    now,
  });
  const close = async () => {
    await jobs.settled();
    for (const track of Object.values(tracks)) track.close();
  };
  return { operator, registry, close };
}
