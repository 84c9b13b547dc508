import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

/** Why no Prometheus can be started here; undefined when one can, or must. */
export function prometheusMissing(): string | undefined {
  if (process.env['CI'] === 'true' || spawnSync('prometheus', ['--version']).status === 0) return undefined;
  return 'prometheus is not installed';
}

export interface PrometheusOptions {
  /** `scrape_configs`, as in a configuration file. */
  readonly scrape?: readonly object[];
  /** Samples from before, in the OpenMetrics text format. */
  readonly history?: string;
  /** `web.yml` content, for a server that asks for a login. */
  readonly web?: object;
}

/** A real Prometheus of one's own, on a free port. */
export interface PrometheusProcess {
  readonly url: string;
  /** Cuts it off (SIGKILL) … */
  kill(): Promise<void>;
  /** … and starts it again on the same port and data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Prometheus; ready when `/-/ready` answers. */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<PrometheusProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'tori-prometheus-'));
  const data = join(folder, 'data');
  if (options.history !== undefined) backfill(folder, data, options.history);
  const configuration = { scrape_configs: options.scrape ?? [] };
  writeFileSync(join(folder, 'prometheus.yml'), stringify(configuration));
  if (options.web !== undefined) writeFileSync(join(folder, 'web.yml'), stringify(options.web));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const server: PrometheusProcess = {
    url,
    async start() {
      child = spawn(
        'prometheus',
        [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${data}`,
          '--storage.tsdb.retention.time=20d',
          `--web.listen-address=127.0.0.1:${port}`,
          ...(options.web === undefined ? [] : [`--web.config.file=${join(folder, 'web.yml')}`]),
        ],
        { stdio: 'ignore' },
      );
      await ready(url, child);
    },
    async kill() {
      if (child?.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function backfill(folder: string, data: string, history: string): void {
  const file = join(folder, 'history.txt');
  writeFileSync(file, history);
  const create = ['tsdb', 'create-blocks-from', '--max-block-duration=480h', '--quiet', 'openmetrics'];
  execFileSync('promtool', [...create, file, data], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A server that asks for a login answers 401, and is ready as well. */
async function ready(url: string, child: ChildProcess): Promise<void> {
  const giveUp = AbortSignal.timeout(60_000);
  while (!giveUp.aborted) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with code ${child.exitCode}`);
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.status === 200 || answer?.status === 401) return;
    await sleep(50);
  }
  throw new Error('prometheus was not ready within 60 s');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
