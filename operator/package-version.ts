import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const packageSchema = z.object({ version: z.string() });

/** The version of this package, from source and from dist/. */
export function packageVersion(): string {
  const candidates = ['../package.json', '../../package.json'];
  const path = candidates
    .map((relative) => fileURLToPath(new URL(relative, import.meta.url)))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('package.json is missing beside the build');
  return packageSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}
