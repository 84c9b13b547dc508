import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { run } from '../../cli/program.js';
import type { Terminal } from '../../cli/terminal.js';

/** What a command line answered. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Circumstances of a command line. */
export interface Circumstances {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** The program that reads the command line; `tori` unless told. */
  readonly program?: (terminal: Terminal) => Command;
}

/** Runs a command line in this process and captures what it prints. */
export async function tori(
  args: readonly string[],
  { env = {}, stdin = '', signal = new AbortController().signal, program }: Circumstances = {},
): Promise<Answer> {
  const stdout = new Capture();
  const stderr = new Capture();
  const terminal = { env, stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr, signal };
  const code = await run(args, terminal, program);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Capture extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
