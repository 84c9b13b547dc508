import { offsetOf, segmentOf } from '../domain/segment.js';
import { idKey, logKey, tenantPrefix, u64 } from './keys.js';
import {
  decodeEntry,
  decodeId,
  encodeColumns,
  encodeEntry,
  encodeId,
  encodeOutbox,
  encodeTenant,
  type EntryKind,
  type IdRecord,
  type LogEntry,
  type TenantRecord,
} from './records.js';
import { metaKeys, segmentKey, tenantState, type TenantState, type VaultState } from './state.js';
import type { Table, Tables } from './tables.js';

interface Write {
  readonly table: Table;
  readonly key: Buffer;
  /** Undefined removes the key. */
  readonly value: Buffer | undefined;
}

/**
 * A transaction being composed: what is on disk, with the changes of one group on top. Nothing is written and the state
 * is untouched until the group is flushed.
 */
export class Draft {
  readonly tables: Tables;
  readonly state: VaultState;
  /** Time of the transaction, in milliseconds since the Unix epoch. */
  readonly nowUnixMs: number;
  readonly #writes: Write[] = [];
  readonly #effects: (() => void)[] = [];
  readonly #ids = new Map<string, IdRecord>();
  readonly #entries = new Map<string, LogEntry>();
  readonly #counts = new Map<string, TenantRecord>();
  readonly #names = new Map<string, Map<string, number>>();
  /** Sequences taken out of the index, by tenant and segment. */
  readonly #removed = new Map<string, Map<number, number[]>>();
  readonly #sealed = new Set<string>();
  #epoch: number;
  #outboxSequence: number;

  constructor(tables: Tables, state: VaultState, nowUnixMs: number) {
    this.tables = tables;
    this.state = state;
    this.nowUnixMs = nowUnixMs;
    this.#epoch = state.epoch;
    this.#outboxSequence = state.outboxSequence;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Number of rows that the transaction touches so far. */
  get size(): number {
    return this.#writes.length;
  }

  raiseEpoch(epoch: number): void {
    this.#epoch = epoch;
    this.put(this.tables.meta, metaKeys.epoch, u64(epoch));
    this.afterFlush(() => (this.state.epoch = epoch));
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#writes.push({ table, key, value });
  }

  remove(table: Table, key: Buffer): void {
    this.#writes.push({ table, key, value: undefined });
  }

  /** Runs once the transaction is on disk, in the order of calls. */
  afterFlush(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** State of a tenant, without this draft's changes. */
  tenant(name: string): TenantState {
    return tenantState(this.tables, this.state, name);
  }

  counts(tenant: string): TenantRecord {
    return this.#counts.get(tenant) ?? this.tenant(tenant).counts;
  }

  setCounts(tenant: string, counts: TenantRecord): void {
    this.#counts.set(tenant, counts);
  }

  /** Names that this draft adds to a dictionary. */
  newNames(tenant: string): Map<string, number> {
    const names = this.#names.get(tenant) ?? new Map<string, number>();
    this.#names.set(tenant, names);
    return names;
  }

  findId(tenant: string, id: string): IdRecord | undefined {
    const drafted = this.#ids.get(`${tenant}\0${id}`);
    if (drafted !== undefined) return drafted;
    const bytes = this.tables.ids.get(idKey(tenant, id));
    return bytes === undefined ? undefined : decodeId(bytes);
  }

  entry(tenant: string, sequence: number): LogEntry | undefined {
    const drafted = this.#entries.get(`${tenant}\0${sequence}`);
    if (drafted !== undefined) return drafted;
    const bytes = this.tables.log.get(logKey(tenant, sequence));
    return bytes === undefined ? undefined : decodeEntry(bytes);
  }

  /** Adds an entry to a tenant's log and to the outbox, and notes it under the id. Returns its sequence. */
  append(tenant: string, id: string, kind: EntryKind, payload: Buffer): number {
    const counts = this.counts(tenant);
    const sequence = counts.lastSequence + 1;
    this.setCounts(tenant, { ...counts, lastSequence: sequence });
    this.#outboxSequence += 1;
    const entry = { kind, outboxSequence: this.#outboxSequence, writtenUnixMs: this.nowUnixMs, payload };
    const outbox = { kind, tenant, sequence, writtenUnixMs: this.nowUnixMs, id };
    this.put(this.tables.log, logKey(tenant, sequence), encodeEntry(entry));
    this.put(this.tables.outbox, u64(this.#outboxSequence), encodeOutbox(outbox));
    this.put(this.tables.ids, idKey(tenant, id), encodeId({ kind, sequence }));
    this.#entries.set(`${tenant}\0${sequence}`, entry);
    this.#ids.set(`${tenant}\0${id}`, { kind, sequence });
    return sequence;
  }

  /** Takes a sequence out of the concept index. */
  unindex(tenant: string, sequence: number): void {
    const segments = this.#removed.get(tenant) ?? new Map<number, number[]>();
    this.#removed.set(tenant, segments);
    const sequences = segments.get(segmentOf(sequence)) ?? [];
    segments.set(segmentOf(sequence), sequences);
    sequences.push(sequence);
    this.afterFlush(() => {
      this.tenant(tenant).index.remove(sequence);
    });
  }

  /** Notes that this transaction writes the columns of a segment. */
  noteSealed(tenant: string, segment: number): void {
    this.#sealed.add(`${tenant}\0${segment}`);
  }

  /** Writes everything in one transaction; resolves after the flush, then makes it the state. Rejects on a failed write. */
  async flush(): Promise<void> {
    this.#complete();
    if (this.#writes.length > 0) await commit(this.tables, this.#writes);
    for (const effect of this.#effects) effect();
  }

  #complete(): void {
    for (const [tenant, segments] of this.#removed) {
      for (const [segment, sequences] of segments) this.#rewriteColumns(tenant, segment, sequences);
    }
    for (const [tenant, counts] of this.#counts) {
      this.put(this.tables.tenants, tenantPrefix(tenant), encodeTenant(counts));
      this.afterFlush(() => (this.tenant(tenant).counts = counts));
    }
    const outboxSequence = this.#outboxSequence;
    if (outboxSequence === this.state.outboxSequence) return;
    this.put(this.tables.meta, metaKeys.outbox, u64(outboxSequence));
    this.afterFlush(() => (this.state.outboxSequence = outboxSequence));
  }

  /** A sealed segment's columns on disk must forget what is removed; an open one is rebuilt from the log anyway. */
  #rewriteColumns(tenant: string, number: number, sequences: readonly number[]): void {
    const segment = this.tenant(tenant).index.segment(number);
    if (segment === undefined) return;
    if (!segment.sealed && !this.#sealed.has(`${tenant}\0${number}`)) return;
    const lengths = segment.columns.lengths.slice();
    for (const sequence of sequences) lengths[offsetOf(sequence)] = 0;
    this.put(
      this.tables.segments,
      segmentKey(tenant, number),
      encodeColumns({ ...segment.columns, lengths }),
    );
  }
}

async function commit(tables: Tables, writes: readonly Write[]): Promise<void> {
  try {
    await tables.root.batch(() => {
      for (const { table, key, value } of writes) {
        void (value === undefined ? table.remove(key) : table.put(key, value));
      }
    });
  } catch (error) {
    throw await commitCause(error);
  }
}

/** lmdb rejects with an error that points at a second promise, which rejects with the cause. */
async function commitCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
