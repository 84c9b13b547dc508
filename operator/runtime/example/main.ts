import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { ApiClient, createRuntimeMetrics, loadConnection } from '../index.js';
import { runMirror } from './mirror.js';

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
const logger = pino();
const metrics = createRuntimeMetrics(new Registry());
const client = new ApiClient({ connection: await loadConnection(), metrics, userAgent: 'mirror' });
await runMirror({
  client,
  controller: { logger, metrics, workers: 4 },
  election: {
    client,
    namespace: client.connection.namespace,
    name: 'mirror',
    identity: `${hostname()}_${randomUUID()}`,
    logger,
    metrics,
    signal: stopping.signal,
  },
});
await client.close();
