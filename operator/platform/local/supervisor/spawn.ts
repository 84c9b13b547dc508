import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { ProcessSpec } from './process-spec.js';

/** A log file above this size is kept as `.1` when its process starts the next time. */
const rotateAboveBytes = 16 * 1024 * 1024;

/** Variables of the operator that its processes need: the search path, the home and the locale, and nothing else. */
const inherited = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
];

/**
 * Starts node in a session of its own, so that Ctrl-C in a terminal reaches the operator alone and the drain keeps its
 * order, with its output appended to a file, so that it outlives the operator.
 */
export function spawnProcess(spec: ProcessSpec): ChildProcess {
  if (existsSync(spec.logFile) && statSync(spec.logFile).size > rotateAboveBytes) {
    renameSync(spec.logFile, `${spec.logFile}.1`);
  }
  const log = openSync(spec.logFile, 'a');
  const base = Object.fromEntries(
    inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  try {
    const child = spawn(process.execPath, ['--enable-source-maps', spec.entry], {
      env: { ...base, ...spec.initialEnv, ...spec.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

const lineSchema = z.object({
  level: z.string(),
  msg: z.string(),
  err: z.object({ message: z.string() }).optional(),
});

/**
 * What a process said last, for a person who asks why it died: plain text as it is, of a structured line the message of a
 * warning or error. Empty when its last line was about ordinary work.
 */
export function lastWords(logFile: string): string {
  const line = lastLine(logFile);
  if (!line.startsWith('{')) return line;
  try {
    const { level, msg, err } = lineSchema.parse(JSON.parse(line));
    if (level === 'info' || level === 'debug') return '';
    return err === undefined ? msg : `${msg}: ${err.message}`;
  } catch {
    return '';
  }
}

function lastLine(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    const tail = Buffer.alloc(Math.min(size, 16_384));
    readSync(file, tail, 0, tail.length, size - tail.length);
    return tail.toString('utf8').trimEnd().split('\n').at(-1) ?? '';
  } finally {
    closeSync(file);
  }
}
