import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open as openFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { open } from 'lmdb';
import { z } from 'zod';
import { ConfigError } from '../config/config.js';

const manifestFile = 'backup.json';

const manifestSchema = z.object({
  format: z.literal(1),
  createdAt: z.string(),
  files: z.array(
    z.object({
      name: z.string().regex(/^[a-z]+\.mdb$/),
      bytes: z.number(),
      sha256: z.string(),
      /** Entries of each table, to be compared by people. */
      entries: z.record(z.string(), z.number()),
    }),
  ),
});

/** What a backup holds; `backup.json` beside the files. */
export type BackupManifest = z.output<typeof manifestSchema>;

/**
 * Copies the databases of one service's data folder as they are at one moment, also while the service runs and writes: a
 * reading transaction of lmdb sees one state. The service must run in the same PID namespace, that is on the same machine or
 * in the same container, because lmdb tells its readers apart by their pids.
 * @param from the service's DATA_DIR
 * @param to a folder that does not exist yet
 * @throws ConfigError when there is nothing to copy or `to` is there
 */
export async function backUp(from: string, to: string, now: Date): Promise<BackupManifest> {
  const names = await databasesOf(from);
  await mkdir(dirname(to), { recursive: true });
  await mkdir(to).catch((cause: unknown) => {
    throw new ConfigError(`${to}: cannot be made; a backup is a new folder (${String(cause)})`, { cause });
  });
  const files: BackupManifest['files'] = [];
  for (const name of names) {
    const copy = join(to, name);
    await copyDatabase(join(from, name), copy);
    const [{ size: bytes }, sha256] = [await stat(copy), await digestOf(copy)];
    files.push({ name, bytes, sha256, entries: await countEntries(copy) });
  }
  const manifest: BackupManifest = { format: 1, createdAt: now.toISOString(), files };
  // Written last: a folder without it is a backup that was cut off.
  await writeFile(join(to, manifestFile), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await flush(join(to, manifestFile));
  return manifest;
}

/**
 * Puts a backup into the data folder of a service that does not run.
 * @param to an empty folder, or one that does not exist
 * @throws ConfigError when the backup is not whole or `to` holds a database
 */
export async function restore(from: string, to: string): Promise<BackupManifest> {
  const manifest = await manifestOf(from);
  for (const { name, sha256 } of manifest.files) {
    const found = await digestOf(join(from, name));
    if (found !== sha256)
      throw new ConfigError(`${join(from, name)}: its SHA-256 is ${found}, not ${sha256}`);
  }
  await mkdir(to, { recursive: true });
  const there = (await readdir(to)).filter((name) => name.endsWith('.mdb'));
  if (there.length > 0)
    throw new ConfigError(`${to}: holds ${there.join(', ')}; restore into an empty folder`);
  for (const { name } of manifest.files) {
    await copyFile(join(from, name), join(to, name));
    await flush(join(to, name));
  }
  return manifest;
}

async function databasesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new ConfigError(`${folder}: cannot be read (${String(cause)})`, { cause });
  });
  const databases = names.filter((name) => name.endsWith('.mdb') && name !== 'lock.mdb');
  if (databases.length === 0) throw new ConfigError(`${folder}: holds no database; expected a DATA_DIR`);
  return databases.sort();
}

async function copyDatabase(from: string, to: string): Promise<void> {
  const database = open({ ...place(from), readOnly: true, maxDbs: 32 });
  // lmdb refuses to write over something.
  await rm(to, { force: true });
  await database.backup(to, false);
  await database.close();
  await flush(to);
}

/**
 * Tables are counted by key: values of any encoding can be skipped. lmdb makes a lock file beside the copy, which goes again.
 */
async function countEntries(path: string): Promise<Record<string, number>> {
  const database = open({
    path,
    noSubdir: true,
    readOnly: true,
    maxDbs: 32,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const names = [...database.getKeys()].map(String);
  const entries: [string, number][] = [];
  for (const name of names) {
    const count = tableCount(database, name);
    if (count !== undefined) entries.push([name, count]);
  }
  await database.close();
  await rm(`${path}-lock`, { force: true });
  return Object.fromEntries(entries);
}

function tableCount(database: ReturnType<typeof open>, name: string): number | undefined {
  try {
    return database.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }).getCount();
  } catch {
    // A plain value among the tables: a format mark for example.
    return undefined;
  }
}

/** `data.mdb` is lmdb's own name for the file in a folder that was opened; others were opened by their path. */
function place(file: string): { readonly path: string; readonly noSubdir: boolean } {
  return file.endsWith('/data.mdb')
    ? { path: dirname(file), noSubdir: false }
    : { path: file, noSubdir: true };
}

async function manifestOf(folder: string): Promise<BackupManifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, manifestFile), 'utf8')));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${folder}: is not a whole backup (${reason})`, { cause });
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function flush(path: string): Promise<void> {
  const file = await openFile(path, 'r');
  await file.sync();
  await file.close();
}
