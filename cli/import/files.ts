import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isImportable } from './formats.js';
import type { FoundFile } from './input.js';

/**
 * The files behind names given by a user. A file is taken whatever it is called; folders are walked in order of name,
 * without hidden entries, `node_modules` and extensions that hold no text to import.
 * @throws the system's error when a name does not exist or cannot be read
 */
export async function findFiles(names: readonly string[]): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const name of names) {
    const { size, mtimeMs, ...entry } = await statOf(name);
    if (entry.isDirectory) found.push(...(await findFiles(await childrenOf(name))));
    else found.push({ name, bytes: size, modified: Math.floor(mtimeMs) });
  }
  return found;
}

async function statOf(name: string) {
  const found = await stat(name);
  return { size: found.size, mtimeMs: found.mtimeMs, isDirectory: found.isDirectory() };
}

async function childrenOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .filter((entry) => entry.isDirectory() || (entry.isFile() && isImportable(entry.name)))
    .map(({ name }) => join(folder, name))
    .sort();
}
