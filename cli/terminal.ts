import type { Readable, Writable } from 'node:stream';

/** What a command reads from and writes to; tests give their own. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly stdout: Stream;
  /** Progress, warnings and errors, so that stdout is for results alone. */
  readonly stderr: Stream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

type Stream = Writable & { readonly isTTY?: boolean };

/** Writes one line. */
export function line(stream: Writable, text: string): void {
  stream.write(`${text}\n`);
}

/** The terminal of this process. The first interrupt aborts the signal, the second ends the process at once. */
export function processTerminal(): Terminal {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort();
    });
  }
  const { env, stdin, stdout, stderr } = process;
  // The reader of a pipe, such as `head`, has seen enough.
  stdout.on('error', () => process.exit(0));
  return { env, stdin, stdout, stderr, signal: interrupt.signal };
}
