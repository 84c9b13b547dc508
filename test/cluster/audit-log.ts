import { readFileSync } from 'node:fs';

/**
 * The entries of an audit log, parsed. One that is being written is left out.
 * @param from bytes of the log to pass over
 */
export function readAuditLog(file: string, from = 0): unknown[] {
  const lines = readFileSync(file).subarray(from).toString('utf8').split('\n');
  // Whole lines end with a line break: what follows the last one is nothing, or a part of the next.
  return lines.slice(0, -1).map((line): unknown => JSON.parse(line));
}
