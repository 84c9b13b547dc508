import { randomUUID } from 'node:crypto';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { ConfigError, exitCodeConfig } from '../config/config.js';

/** Something that was started and can be stopped without losing work. */
export interface Drainable {
  drain(): Promise<void>;
}

/**
 * Runs a server as this process: drains on SIGTERM and SIGINT, ends with exit code 78 on a wrong configuration. A signal during
 * the start ends the process at once, because nothing was acknowledged yet; as the first process of a container it would
 * otherwise not be heard at all.
 */
export async function runProcess(name: string, start: () => Promise<Drainable>): Promise<void> {
  let server: Drainable | undefined;
  let draining: Promise<void> | undefined;
  const stop = () => {
    draining ??= (server?.drain() ?? Promise.resolve()).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${name}: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    server = await start();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.message.split('\n')) process.stderr.write(`${name}: ${line}\n`);
    process.exit(exitCodeConfig);
  }
}

/** Between looks at the lag of the event loop: a hundred of them a second, the default, are most of what a process at rest does. */
const lagSampleMs = 100;

/** A registry with Node's own metrics and `tori_process_info`. */
export function processRegistry(
  service: string,
  revision: string,
  defaultLabels: Record<string, string> = {},
) {
  const registry = new Registry();
  registry.setDefaultLabels(defaultLabels);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagSampleMs });
  // The supervisor tells a process that it started from a stranger on the same port by this id.
  new Gauge({
    name: 'tori_process_info',
    help: 'Always 1; its labels name the process.',
    labelNames: ['service', 'revision', 'instance', 'pid'],
    registers: [registry],
  }).set({ service, revision, instance: randomUUID(), pid: process.pid }, 1);
  return registry;
}

/** The error of a listener whose port cannot be had. */
export function portError(variable: string, value: number, cause: unknown): ConfigError {
  return new ConfigError(
    `${variable} = "${value}": cannot listen there (${String(cause)}); expected a free port`,
    { cause },
  );
}
