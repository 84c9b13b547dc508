import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { CliError, exitCodes } from './exit.js';
import type { Terminal } from './terminal.js';

/** The text of a file that a user named; `-` is standard input. @throws CliError when it cannot be read */
export async function readText(file: string, { stdin }: Terminal): Promise<string> {
  if (file === '-') return text(stdin);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.notFound, `${file}: ${reason}`, { cause });
  }
}
