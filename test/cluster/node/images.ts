import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../harness/local-cluster.js';

/** Images that can be built here, see `images.sh`. */
export type Image = 'coredns' | 'pause' | 'redis' | 'tori';

/** Builds images where they are not kept yet, and returns the paths of their archives. */
export function buildImages(...images: readonly Image[]): string[] {
  const script = join(packageRoot, 'test', 'cluster', 'images.sh');
  return execFileSync(script, images, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    .trim()
    .split('\n');
}
