import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { isAlive } from '../../operator/platform/local/supervisor/probe.js';
import type { Home } from '../../operator/platform/local/home.js';

/** The pid of the `tori up` that runs on a home, or undefined. A file left by one that was killed counts as absent. */
export function runningUp(home: Home): number | undefined {
  try {
    const pid = Number(readFileSync(lockFile(home), 'utf8'));
    return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Claims the home for this process until the returned function is called. */
export function claim(home: Home): () => void {
  writeFileAtomic.sync(lockFile(home), String(process.pid));
  return () => rmSync(lockFile(home), { force: true });
}

function lockFile(home: Home): string {
  return join(home.run, 'up.pid');
}
