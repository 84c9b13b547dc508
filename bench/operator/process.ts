import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Program } from './contender.js';

/** What a process uses, from /proc. */
export interface Usage {
  readonly at: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

/** A program that runs. */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #log: string;

  /** @param log file of its output */
  constructor({ path, args, env }: Program, log: string) {
    const output = openSync(log, 'w');
    this.#log = log;
    this.#child = spawn(path, args, { stdio: ['ignore', output, output], env: { ...process.env, ...env } });
    closeSync(output);
  }

  /** @throws Error with the end of its output when it has ended */
  usage(): Usage {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) {
      const tail = readFileSync(this.#log, 'utf8').slice(-2_000);
      throw new Error(`the program ended (${exitCode ?? signalCode ?? 'not started'}):\n${tail}`);
    }
    return usageOf(pid);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
  }
}

/** Linux counts processor time in hundredths of a second wherever it runs. */
const ticksPerSecond = 100;

function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN);
  // The second field is the name in parentheses, which may hold blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const [user, system] = [fields[11], fields[12]].map(Number);
  return {
    at: Date.now(),
    residentBytes: kibibytes('VmRSS') * 1024,
    peakBytes: kibibytes('VmHWM') * 1024,
    cpuSeconds: ((user ?? NaN) + (system ?? NaN)) / ticksPerSecond,
  };
}
