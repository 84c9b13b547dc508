import { once } from 'node:events';
import { statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Home } from '../../operator/platform/local/home.js';
import { serviceNames, type Ports } from '../../operator/platform/local/ports.js';
import { ProcessRecords } from '../../operator/platform/local/supervisor/process-record.js';
import { isAlive } from '../../operator/platform/local/supervisor/probe.js';

/** Free space below which a start is refused: an lmdb transaction and the logs need some of it at once. */
const minimumFreeBytes = 200 * 1024 * 1024;

/** Every reason why this machine cannot run the cluster now, each a line that says what to do. */
export async function preflight(home: Home, ports: Ports): Promise<string[]> {
  return [...freeSpace(home), ...(await takenPorts(home, ports))];
}

function freeSpace(home: Home): string[] {
  const { bavail, bsize } = statfsSync(home.root);
  const free = bavail * bsize;
  if (free >= minimumFreeBytes) return [];
  const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`;
  return [
    `The disk of ${home.root} has ${megabytes(free)} left and ${megabytes(minimumFreeBytes)} are needed. Free some, or set TORI_HOME to a folder on another disk.`,
  ];
}

async function takenPorts(home: Home, ports: Ports): Promise<string[]> {
  // Services of an earlier start that is still alive hold their ports rightly: the operator takes them over.
  const held = new ProcessRecords(`${home.run}/processes`).list().some((record) => isAlive(record.pid));
  if (held) return [];
  const wanted = [
    ...serviceNames.flatMap((name) => {
      const { grpc, metrics } = ports.service(name, 'stable');
      return [
        { port: grpc, use: name },
        { port: metrics, use: `${name} metrics` },
      ];
    }),
    { port: ports.gateway, use: 'gateway' },
    { port: ports.gatewayMetrics, use: 'gateway metrics' },
    { port: ports.operatorMetrics, use: 'operator metrics' },
  ];
  const taken = await Promise.all(wanted.map(async ({ port }) => !(await isFree(port))));
  const lines = wanted
    .filter((_, k) => taken[k])
    .map(({ port, use }) => `Port ${port} (${use}) is taken by another program.`);
  if (lines.length > 0)
    lines.push('Stop that program, or shift every port: TORI_PORT_OFFSET=1000 npm run up');
  return lines;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
