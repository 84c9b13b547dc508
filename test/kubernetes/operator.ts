import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../harness/local-cluster.js';

/** The operator compiled for tests; absent before `npm run build`. */
const entry = join(packageRoot, 'dist', 'test', 'kubernetes', 'operator-main.js');

/** Why the operator cannot be run as a process; undefined when it can. */
export function operatorMissing(): string | undefined {
  return existsSync(entry) ? undefined : 'dist/ is absent; npm run build';
}

/** What an operator process gets. */
export interface OperatorOptions {
  readonly kubeconfig: string;
  readonly addressBook: string;
  /** Logs and samples go here. */
  readonly folder: string;
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** An operator as a real process. */
export interface OperatorProcess {
  readonly child: ChildProcess;
  readonly logFile: string;
  readonly metricsPort: number;
  /** SIGKILL: nothing is said, nothing is given back. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

let started = 0;

/** Starts an operator. It leads when the lease of the one before has run out, or at once when that was given back. */
export function startOperator(options: OperatorOptions & { readonly metricsPort: number }): OperatorProcess {
  const name = options.name ?? `operator-${++started}`;
  const logFile = join(options.folder, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [entry], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: options.kubeconfig,
      ADDRESS_BOOK: options.addressBook,
      POD_NAME: name,
      POD_NAMESPACE: 'default',
      LEASE_SECONDS: '9',
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(options.metricsPort),
      STATE_DIR: join(options.folder, `${name}-state`),
      TORI_IMAGE: 'registry.example/tori',
      LOG_LEVEL: 'debug',
      ...options.env,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [code] = await exit;
    return code;
  };
  return {
    child,
    logFile,
    metricsPort: options.metricsPort,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}
