import { mkdirSync } from 'node:fs';
import { open, type Database, type RootDatabase } from 'lmdb';
import { Outbox, type NewEvent } from '../common/bus/outbox.js';
import { ConfigError } from '../common/config/config.js';
import { ServiceError } from '../common/errors.js';
import { joinParts, partsOf, type Graph } from './domain/graph.js';
import type { VersionRecord } from './domain/history.js';
import { decodeStored, encodeStored } from './parts.js';

/** What is known of a tenant beyond its versions. */
export interface TenantRecord {
  /** Version in force; 0 for a graph that was never written. */
  readonly version: number;
  /** Oldest version that can be streamed and rolled back to. */
  readonly oldestKept: number;
  /** Edges removed by pruning over the life of the tenant. */
  readonly prunedEdges: number;
}

/** One durable step of a tenant's graph. */
export interface Commit {
  readonly tenant: string;
  /** Version that was in force when the step was computed. */
  readonly expectedVersion: number;
  readonly head: TenantRecord;
  readonly record: VersionRecord;
  /** The graph when the record is whole, the added change when it is a logged addition, else absent. */
  readonly content: Graph | undefined;
  /** Versions that are dropped. */
  readonly obsolete: readonly number[];
  readonly event: NewEvent;
}

const format = 1;
const noTenant: TenantRecord = { version: 0, oldestKept: 1, prunedEdges: 0 };

/**
 * The graphs of all tenants on disk, in one lmdb environment. A commit is one transaction, acknowledged once it is
 * flushed, so a process that dies at any moment leaves the version before or the version after.
 *
 * | database | key | value |
 * |---|---|---|
 * | tenants | tenant | {@link TenantRecord} |
 * | versions | tenant, version | {@link VersionRecord} |
 * | parts | tenant, version, part | part of a whole graph or of an addition, see `parts.ts` |
 * | outbox | sequence | event |
 */
export class GraphStore {
  readonly outbox: Outbox;
  readonly #root: RootDatabase;
  readonly #tenants: Database<TenantRecord, string>;
  readonly #versions: Database<VersionRecord, [tenant: string, version: number]>;
  readonly #parts: Database<Buffer, [tenant: string, version: number, part: number]>;

  /** @throws ConfigError when the folder cannot be used or holds another format */
  constructor(folder: string) {
    this.#root = openFolder(folder);
    this.#tenants = this.#root.openDB({ name: 'tenants' });
    this.#versions = this.#root.openDB({ name: 'versions' });
    this.#parts = this.#root.openDB({ name: 'parts', encoding: 'binary' });
    this.outbox = new Outbox(
      this.#root.openDB({ name: 'outbox', keyEncoding: 'uint32', encoding: 'binary' }),
    );
  }

  /** Tenants whose graph was ever written. */
  tenants(): string[] {
    return [...this.#tenants.getKeys()];
  }

  tenant(tenant: string): TenantRecord {
    return this.#tenants.get(tenant) ?? noTenant;
  }

  /** A version's record, or undefined when it is not on disk. */
  record(tenant: string, version: number): VersionRecord | undefined {
    return this.#versions.get([tenant, version]);
  }

  /** All records of a tenant that are on disk, ascending; those below `oldestKept` serve later ones only. */
  records(tenant: string): VersionRecord[] {
    const range = { start: [tenant, 0], end: [tenant, Infinity] };
    return Array.from(this.#versions.getRange(range), ({ value }) => value);
  }

  /** The stored graph of a whole version, or the stored addition of a logged one. */
  content(tenant: string, version: number): Graph {
    const range = { start: [tenant, version, 0], end: [tenant, version, Infinity] };
    const parts = Array.from(this.#parts.getRange(range), ({ value }) => decodeStored(value));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : joinParts(parts);
  }

  /**
   * Commits a step: record, content, cursor and event appear together, or not at all.
   * Callers commit one step at a time, so that the outbox never announces an event before its transaction is flushed.
   * @throws ABORTED when another version is in force than the step expects
   */
  async commit(step: Commit): Promise<void> {
    const { tenant, record } = step;
    // A child transaction: what it has written goes when anything in it throws, a full disk for example.
    const done = await this.#root.childTransaction(() => {
      if (this.tenant(tenant).version !== step.expectedVersion) return false;
      this.#tenants.putSync(tenant, step.head);
      this.#versions.putSync([tenant, record.version], record);
      this.#putContent(tenant, record.version, step.content);
      for (const version of step.obsolete) this.#drop(tenant, version);
      this.outbox.append(step.event);
      return true;
    });
    if (!done) throw new ServiceError('ABORTED', `tenant "${tenant}": another writer changed the graph`);
    await this.#root.flushed;
    this.outbox.announce();
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #putContent(tenant: string, version: number, content: Graph | undefined): void {
    if (content === undefined) return;
    let part = 0;
    for (const graph of partsOf(content)) this.#parts.putSync([tenant, version, part++], encodeStored(graph));
  }

  #drop(tenant: string, version: number): void {
    this.#versions.removeSync([tenant, version]);
    const range = { start: [tenant, version, 0], end: [tenant, version, Infinity] };
    for (const key of this.#parts.getKeys(range)) this.#parts.removeSync(key);
  }
}

function openFolder(folder: string): RootDatabase {
  let root: RootDatabase;
  try {
    mkdirSync(folder, { recursive: true });
    root = open({ path: folder, pageSize: 16_384, maxDbs: 8 });
  } catch (cause) {
    throw new ConfigError(`DATA_DIR = ${JSON.stringify(folder)}: cannot be used (${String(cause)})`, {
      cause,
    });
  }
  const found: unknown = root.get('format') ?? format;
  if (found !== format) {
    throw new ConfigError(
      `DATA_DIR = ${JSON.stringify(folder)}: holds graphs of format ${String(found)}; expected format ${format}`,
    );
  }
  root.putSync('format', format);
  return root;
}
