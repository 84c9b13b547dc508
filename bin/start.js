/** Starts a compiled program; in a source checkout that was never built it builds first. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

/** @param {string} program path below dist/ */
export async function start(program) {
  const entry = new URL(`../dist/${program}`, import.meta.url);
  if (!existsSync(entry)) {
    process.stderr.write('Building TORI Memory (first start only) …\n');
    const build = spawnSync(process.execPath, [compiler, '-p', `${root}tsconfig.build.json`], {
      stdio: ['ignore', 2, 2],
    });
    if (build.status !== 0) {
      process.stderr.write('The build failed. Run `npm ci` and try again.\n');
      process.exit(1);
    }
  }
  await import(entry.href);
}
