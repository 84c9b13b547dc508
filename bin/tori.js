#!/usr/bin/env node
/** Starts the compiled CLI; in a source checkout that was never built (or is older than its sources) it builds first. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = new URL('../dist/cli/main.js', import.meta.url);
const compiler = `${root}node_modules/typescript/bin/tsc`;

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
