import { Readable, Writable } from 'node:stream';
import { run } from '../../cli/program.js';

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
}

/** Runs a command line in this process and captures what it prints. */
export async function tori(
  args: readonly string[],
  { env = {}, stdin = '', signal = new AbortController().signal }: Circumstances = {},
): Promise<Answer> {
  const stdout = new Capture();
  const stderr = new Capture();
  const code = await run(args, { env, stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr, signal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Capture extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
