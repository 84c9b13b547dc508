import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { open, type Database, type RootDatabase } from 'lmdb';
import { ConfigError } from '../../common/config/config.js';

/** A table with binary keys and values. */
export type Table = Database<Buffer, Buffer>;

/** The vault on disk: one lmdb environment. Keys are made by `keys.ts`, values by `records.ts`. */
export interface Tables {
  /** A transaction over all tables; its promise resolves after the flush. */
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly file: string;
  /** Drawn when the vault was made; event ids begin with it. */
  readonly identity: string;
  /** `format`, `identity`, `epoch`, `outbox` (highest outbox sequence). */
  readonly meta: Table;
  /** Counts of each tenant, by name. */
  readonly tenants: Table;
  /** Names, by concept id. */
  readonly concepts: Table;
  /** Entries by sequence: the episodes themselves and the tombstones. */
  readonly log: Table;
  /** What is known of an id. */
  readonly ids: Table;
  /** Sequence by time and id. */
  readonly times: Table;
  /** Every tenant's entries in one order. */
  readonly outbox: Table;
  /** Postings of sealed segments. */
  readonly postings: Table;
  /** Columns of sealed segments; empty for a segment of which nothing is left. */
  readonly segments: Table;
}

/** Version of the format on disk. A vault with a newer one is refused. */
const formatVersion = 1;

/** Address space that is reserved, not disk; lmdb extends it when it runs out. */
const mapSize = 64 * 1024 ** 3;

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/**
 * Opens the vault in a folder, making both when they are absent.
 * @throws ConfigError naming DATA_DIR when the folder cannot be made or written, holds something else than a vault, or
 * a vault of a newer format
 */
export function openTables(folder: string): Tables {
  const file = join(folder, 'vault.mdb');
  prepare(folder);
  attempt(folder, 'does not hold a readable vault', () => checkFile(file));
  const root = attempt(folder, 'does not hold a readable vault', () =>
    open<Buffer, Buffer>(file, {
      ...binary,
      noSubdir: true,
      // 16 KiB pages hold a typical episode with half the waste of 4 KiB pages.
      pageSize: 16_384,
      mapSize,
      maxDbs: 16,
      // A commit resolves after its flush, and a failed one rejects exactly the promise that we hold.
      overlappingSync: false,
      eventTurnBatching: false,
    }),
  );
  const table = (name: string): Table => root.openDB<Buffer, Buffer>(name, binary);
  const meta = table('meta');
  const identity = identify(folder, meta);
  checkAlone(folder, root);
  return {
    root,
    file,
    identity,
    meta,
    tenants: table('tenants'),
    concepts: table('concepts'),
    log: table('log'),
    ids: table('ids'),
    times: table('times'),
    outbox: table('outbox'),
    postings: table('postings'),
    segments: table('segments'),
  };
}

/** Bytes that the vault takes on disk. */
export function sizeOnDisk(tables: Tables): number {
  return statSync(tables.file).size;
}

function prepare(folder: string): void {
  attempt(folder, 'cannot be created or written', () => {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  });
}

/** The bytes 24 to 28 of an lmdb file. */
const magic = Buffer.of(0xde, 0xc0, 0xef, 0xbe);

/** Looks at the file before lmdb does, which takes the process down over one that it cannot read. */
function checkFile(file: string): void {
  if (!existsSync(file)) return;
  accessSync(file, constants.R_OK | constants.W_OK);
  const head = Buffer.alloc(magic.length);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 24);
  } finally {
    closeSync(descriptor);
  }
  if (!head.equals(magic)) throw new Error('vault.mdb is not an lmdb file');
}

function attempt<T>(folder: string, complaint: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`DATA_DIR = ${JSON.stringify(folder)}: the folder ${complaint} (${reason})`, {
      cause,
    });
  }
}

/**
 * Refuses a vault that another living process has open: each would overwrite what the other acknowledged. lmdb knows its
 * readers by locks that end with their process; every vault is one from its first read on.
 */
function checkAlone(folder: string, root: RootDatabase<Buffer, Buffer>): void {
  root.readerCheck();
  const readers = root.readerList().matchAll(/^\s*(\d+) /gm);
  const other = Array.from(readers, ([, pid]) => Number(pid)).find((pid) => pid !== process.pid);
  if (other === undefined) return;
  throw new ConfigError(
    `DATA_DIR = ${JSON.stringify(folder)}: process ${other} has this vault open; a vault has one process`,
  );
}

/** Checks the format, or marks a new vault with it. Returns the vault's identity. */
function identify(folder: string, meta: Table): string {
  const keys = { format: Buffer.from('format'), identity: Buffer.from('identity') };
  const found = meta.get(keys.format);
  if (found === undefined) {
    const identity = randomUUID();
    meta.transactionSync(() => {
      meta.putSync(keys.format, Buffer.from(String(formatVersion)));
      meta.putSync(keys.identity, Buffer.from(identity));
    });
    return identity;
  }
  const version = Number(found.toString());
  if (version !== formatVersion) {
    throw new ConfigError(
      `DATA_DIR = ${JSON.stringify(folder)}: the vault has format ${version}; this version reads format ${formatVersion}`,
    );
  }
  return meta.get(keys.identity)!.toString();
}
