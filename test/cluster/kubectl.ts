import { execFile } from 'node:child_process';

/** What a command printed. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl; `input` is its standard input. Never throws for an exit code. */
export function runKubectl(path: string, args: readonly string[], input?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(path, args, { maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
    // It may end without having read its input, which its exit code then tells.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}
