import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../../services/common/logger.js';
import { exitCodeConfig } from '../../../../services/common/config/config.js';
import { afterDeath, noDeaths, type RestartHistory } from './backoff.js';
import { isAlive, probe } from './probe.js';
import { ProcessRecords } from './process-record.js';
import { fingerprintOf, type ProcessReport, type ProcessSpec, type ProcessState } from './process-spec.js';
import { lastWords, spawnProcess } from './spawn.js';

/** A process that this supervisor knows to exist. */
interface Held {
  readonly pid: number;
  readonly revision: string;
  readonly fingerprint: string;
  readonly metricsPort: number;
  readonly startedAt: number;
  /** Our own children tell their end, with an exit code, by an event; adopted processes are looked at. */
  readonly ownChild: boolean;
  ready: boolean;
  /** How it ended, in words. */
  end?: { readonly code: number | null; readonly signal: string | null };
}

/** Past this a process that was asked to stop is killed. */
const stopLimitMs = 20_000;

/**
 * Keeps the wanted processes running: starts, probes, restarts with back-off, replaces on a changed fingerprint, stops
 * what is no longer wanted, and takes over processes of an operator that was killed.
 *
 * {@link reconcile} is called often and never waits for a process to become ready; {@link stop} waits until it is gone.
 */
export class Supervisor {
  readonly #records: ProcessRecords;
  readonly #held = new Map<string, Held>();
  readonly #history = new Map<string, RestartHistory>();
  readonly #restarts = new Map<string, number>();
  readonly #reasons = new Map<string, string>();
  readonly #failed = new Map<string, { fingerprint: string; reason: string }>();
  #wanted: readonly ProcessSpec[] = [];
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #onExit: () => void;

  /** @param onExit called whenever a process ends, so that the next reconcile can come at once */
  constructor(options: { recordsFolder: string; logger: Logger; now?: () => number; onExit?: () => void }) {
    this.#records = new ProcessRecords(options.recordsFolder);
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#onExit = options.onExit ?? (() => undefined);
  }

  /** Takes over the processes of an earlier operator that are still alive; forgets the others. */
  async adopt(): Promise<void> {
    for (const record of this.#records.list()) {
      const found = isAlive(record.pid)
        ? await probe(record.metricsPort, record.pid)
        : { kind: 'silent' as const };
      if (found.kind === 'ready' || found.kind === 'not-ready') {
        this.#held.set(record.key, { ...record, ownChild: false, ready: found.kind === 'ready' });
        this.#logger.info({ process: record.key, processId: record.pid }, 'took over a running process');
      } else {
        this.#records.remove(record.key);
      }
    }
  }

  /** Keys of all processes that are held, wanted or not. */
  get keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Where each held process stands now, without changing anything. */
  async observe(): Promise<ProcessReport[]> {
    return Promise.all(
      [...this.#held].map(async ([key, held]) => {
        const found = hasEnded(held) ? undefined : await probe(held.metricsPort, held.pid);
        const phase = found?.kind === 'ready' ? ('Ready' as const) : ('Starting' as const);
        const restarts = this.#restarts.get(key) ?? 0;
        return { key, revision: held.revision, state: { phase, pid: held.pid }, restarts };
      }),
    );
  }

  /**
   * Moves one step towards the wanted processes and reports where each stands.
   * @param wanted those of the last call when absent
   */
  async reconcile(wanted: readonly ProcessSpec[] = this.#wanted): Promise<ProcessReport[]> {
    this.#wanted = wanted;
    const wantedKeys = new Set(wanted.map((spec) => spec.key));
    await Promise.all(this.keys.filter((key) => !wantedKeys.has(key)).map((key) => this.stop(key)));
    return Promise.all(wanted.map((spec) => this.#reconcileOne(spec)));
  }

  async #reconcileOne(spec: ProcessSpec): Promise<ProcessReport> {
    const fingerprint = fingerprintOf(spec);
    const held = this.#held.get(spec.key);
    if (held !== undefined && held.fingerprint !== fingerprint) {
      this.#logger.info({ process: spec.key }, 'replacing: its spec changed');
      await this.stop(spec.key);
    }
    const state = await this.#step(spec, fingerprint);
    return { key: spec.key, revision: spec.revision, state, restarts: this.#restarts.get(spec.key) ?? 0 };
  }

  async #step(spec: ProcessSpec, fingerprint: string): Promise<ProcessState> {
    const held = this.#held.get(spec.key);
    if (held !== undefined && hasEnded(held)) this.#bury(spec, held);
    const failed = this.#failed.get(spec.key);
    if (failed?.fingerprint === fingerprint) return { phase: 'Failed', reason: failed.reason };
    const alive = this.#held.get(spec.key);
    if (alive !== undefined) return this.#observe(spec, alive);
    const history = this.#history.get(spec.key) ?? noDeaths;
    if (this.#now() < history.notBefore) {
      return { phase: 'BackOff', reason: this.#reasons.get(spec.key) ?? '', retryAt: history.notBefore };
    }
    return this.#start(spec, fingerprint);
  }

  async #observe(spec: ProcessSpec, held: Held): Promise<ProcessState> {
    const found = await probe(spec.metricsPort, held.pid);
    held.ready = found.kind === 'ready';
    return { phase: held.ready ? 'Ready' : 'Starting', pid: held.pid };
  }

  #start(spec: ProcessSpec, fingerprint: string): ProcessState {
    const child = spawnProcess(spec);
    if (child.pid === undefined)
      return { phase: 'BackOff', reason: 'node could not be started', retryAt: this.#now() };
    const held: Held = {
      pid: child.pid,
      revision: spec.revision,
      fingerprint,
      metricsPort: spec.metricsPort,
      startedAt: this.#now(),
      ownChild: true,
      ready: false,
    };
    child.on('exit', (code, signal) => {
      held.end = { code, signal };
      this.#onExit();
    });
    this.#held.set(spec.key, held);
    const { pid, revision, metricsPort, startedAt } = held;
    this.#records.write({ key: spec.key, pid, revision, fingerprint, metricsPort, startedAt });
    this.#logger.info({ process: spec.key, processId: held.pid }, 'started');
    return { phase: 'Starting', pid: held.pid };
  }

  /** Notes a death: back-off for the next start, or a standing failure when the configuration is wrong. */
  #bury(spec: ProcessSpec, held: Held): void {
    this.#held.delete(spec.key);
    this.#records.remove(spec.key);
    const reason = reasonOf(held, spec);
    if (held.end?.code === exitCodeConfig) {
      this.#failed.set(spec.key, { fingerprint: held.fingerprint, reason });
      this.#logger.error({ process: spec.key, reason }, 'its configuration is wrong; waiting for a new one');
      return;
    }
    const history = this.#history.get(spec.key) ?? noDeaths;
    const next = afterDeath(history, this.#now() - held.startedAt, this.#now());
    this.#history.set(spec.key, next);
    this.#reasons.set(spec.key, reason);
    this.#restarts.set(spec.key, (this.#restarts.get(spec.key) ?? 0) + 1);
    this.#logger.warn(
      { process: spec.key, processId: held.pid, deaths: next.deaths },
      'died; it is started again',
    );
  }

  /** Asks a process to drain and waits until it is gone; past 20 s it is killed. */
  async stop(key: string): Promise<void> {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const deadline = this.#now() + stopLimitMs;
    send(held.pid, 'SIGTERM');
    while (!hasEnded(held)) {
      if (this.#now() > deadline) send(held.pid, 'SIGKILL');
      await sleep(25);
    }
    this.#held.delete(key);
    this.#records.remove(key);
    this.#logger.info({ process: key, processId: held.pid }, 'stopped');
  }
}

function reasonOf({ end }: Held, { logFile }: ProcessSpec): string {
  const words = lastWords(logFile);
  if (words !== '') return words;
  if (end === undefined) return 'it ended';
  return end.signal === null ? `it ended with code ${end.code ?? 'unknown'}` : `killed by ${end.signal}`;
}

function hasEnded(held: Held): boolean {
  return held.ownChild ? held.end !== undefined : !isAlive(held.pid);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
