import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodeConfig } from '../../services/common/config/config.js';
import { afterDeath, noDeaths } from '../../operator/platform/local/supervisor/backoff.js';
import { lastWords } from '../../operator/platform/local/supervisor/spawn.js';
import type { Home } from '../../operator/platform/local/home.js';

/** The operator as a child of `tori up`, started again whenever it dies. */
export interface OperatorProcess {
  /** Resolves to the reason when the operator ends for good: its configuration is wrong. */
  readonly failed: Promise<string>;
  /** Asks it to stop all services and itself, and waits. */
  stop(): Promise<void>;
  /** Ends it at once. Services go on until the next start takes them over. */
  kill(): void;
}

/**
 * Starts the operator and keeps it running.
 * @param entry compiled operator/main.js
 * @param onRestart called with the reason when it died and is started again
 */
export function startOperator(
  home: Home,
  entry: string,
  onRestart: (reason: string) => void,
): OperatorProcess {
  const logFile = join(home.logs, 'operator.log');
  let stopping = false;
  let history = noDeaths;
  let child: ChildProcess;
  let fail: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });

  const start = () => {
    const log = openSync(logFile, 'a');
    const startedAt = Date.now();
    child = fork(entry, [], {
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
      execArgv: ['--enable-source-maps'],
    });
    closeSync(log);
    child.on('exit', (code, signal) => {
      if (stopping) return;
      const reason =
        lastWords(logFile) ||
        (signal === null ? `It ended with code ${code ?? 'unknown'}.` : `Killed by ${signal}.`);
      if (code === exitCodeConfig) {
        fail(reason);
        return;
      }
      const now = Date.now();
      history = afterDeath(history, now - startedAt, now);
      onRestart(reason);
      setTimeout(() => {
        if (!stopping) start();
      }, history.notBefore - now);
    });
  };
  start();

  return {
    failed,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    kill() {
      stopping = true;
      child.kill('SIGKILL');
    },
  };
}
