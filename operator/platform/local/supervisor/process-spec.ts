import { createHash } from 'node:crypto';

/** One process that should run. */
export interface ProcessSpec {
  /** Unique, for example `stable/episodic-vault`. */
  readonly key: string;
  /** Name that the process gives itself in `tori_process_info`. */
  readonly service: string;
  /** Revision that it runs, for those who ask what is running. */
  readonly revision: string;
  /** JavaScript file that node runs. */
  readonly entry: string;
  /** Environment that is part of its identity: a change restarts it. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment that it only starts with: a change is pushed to it while it runs. */
  readonly initialEnv: Readonly<Record<string, string>>;
  readonly metricsPort: number;
  readonly logFile: string;
}

/** Fingerprint of what a change must restart. */
export function fingerprintOf(spec: ProcessSpec): string {
  const identity = JSON.stringify([
    spec.entry,
    Object.entries(spec.env).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** Where a process stands. */
export type ProcessState =
  /** Its process was started and does not answer yet. */
  | { readonly phase: 'Starting'; readonly pid: number }
  /** It answers on its readiness endpoint. */
  | { readonly phase: 'Ready'; readonly pid: number }
  /** It died and waits for its next start. */
  | { readonly phase: 'BackOff'; readonly reason: string; readonly retryAt: number }
  /** Its configuration is wrong; only a new spec starts it again. */
  | { readonly phase: 'Failed'; readonly reason: string };

/** A process with its state and how often it was started again. */
export interface ProcessReport {
  readonly key: string;
  readonly revision: string;
  readonly state: ProcessState;
  readonly restarts: number;
}
