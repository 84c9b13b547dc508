import { Episode } from '../../../proto/gen/tori/memory/v1/types.js';
import { readU64, u64 } from './keys.js';
import type { Posting } from '../domain/posting-list.js';
import type { SegmentColumns } from '../domain/segment.js';
import { segmentSize } from '../domain/segment.js';

/** What an entry of the log says. */
export type EntryKind = 'stored' | 'deleted';

const codes: Record<EntryKind, number> = { stored: 1, deleted: 2 };

function kindOf(code: number): EntryKind {
  return code === codes.stored ? 'stored' : 'deleted';
}

/** One entry of a tenant's log. */
export interface LogEntry {
  readonly kind: EntryKind;
  /** Place in the outbox of the whole vault. */
  readonly outboxSequence: number;
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly writtenUnixMs: number;
  /** An encoded Episode or Tombstone. */
  readonly payload: Buffer;
}

const entryHeader = 17;

/** kind u8, outbox sequence u64, time of writing u64, payload. */
export function encodeEntry(entry: LogEntry): Buffer {
  const header = [Buffer.of(codes[entry.kind]), u64(entry.outboxSequence), u64(entry.writtenUnixMs)];
  return Buffer.concat([...header, entry.payload]);
}

export function decodeEntry(bytes: Buffer): LogEntry {
  return {
    kind: kindOf(bytes[0]!),
    outboxSequence: readU64(bytes, 1),
    writtenUnixMs: readU64(bytes, 9),
    payload: bytes.subarray(entryHeader),
  };
}

/** What is known of an id: whether its episode is stored or deleted, and the sequence of that entry. */
export interface IdRecord {
  readonly kind: EntryKind;
  readonly sequence: number;
}

/** kind u8, sequence u64. */
export function encodeId(record: IdRecord): Buffer {
  return Buffer.concat([Buffer.of(codes[record.kind]), u64(record.sequence)]);
}

export function decodeId(bytes: Buffer): IdRecord {
  return { kind: kindOf(bytes[0]!), sequence: readU64(bytes, 1) };
}

/** One entry of the vault's outbox; the tenant's log holds the rest. */
export interface OutboxRecord {
  readonly kind: EntryKind;
  readonly tenant: string;
  readonly sequence: number;
  readonly writtenUnixMs: number;
  readonly id: string;
}

/** kind u8, tenant's sequence u64, time of writing u64, tenant, a zero byte, id. */
export function encodeOutbox(record: OutboxRecord): Buffer {
  const header = [Buffer.of(codes[record.kind]), u64(record.sequence), u64(record.writtenUnixMs)];
  return Buffer.concat([...header, Buffer.from(`${record.tenant}\0${record.id}`)]);
}

export function decodeOutbox(bytes: Buffer): OutboxRecord {
  const [tenant = '', id = ''] = bytes.toString('utf8', entryHeader).split('\0');
  return {
    kind: kindOf(bytes[0]!),
    sequence: readU64(bytes, 1),
    writtenUnixMs: readU64(bytes, 9),
    tenant,
    id,
  };
}

/** Counts of one tenant. */
export interface TenantRecord {
  readonly lastSequence: number;
  readonly episodes: number;
  readonly tombstones: number;
}

/** Three u64. */
export function encodeTenant(record: TenantRecord): Buffer {
  return Buffer.concat([u64(record.lastSequence), u64(record.episodes), u64(record.tombstones)]);
}

export function decodeTenant(bytes: Buffer): TenantRecord {
  return { lastSequence: readU64(bytes), episodes: readU64(bytes, 8), tombstones: readU64(bytes, 16) };
}

/** f32 values, then u16 offsets: little-endian, 6 bytes an episode. */
export function encodePosting(posting: Posting): Buffer {
  return Buffer.concat([bytesOf(posting.values), bytesOf(posting.offsets)]);
}

export function decodePosting(bytes: Buffer): Posting {
  const length = bytes.length / 6;
  const buffer = aligned(bytes);
  return {
    values: new Float32Array(buffer, 0, length),
    offsets: new Uint16Array(buffer, length * 4, length),
  };
}

/** times f64, lengths f32, counts u32: little-endian, one of each for every offset. */
export function encodeColumns(columns: SegmentColumns): Buffer {
  return Buffer.concat([bytesOf(columns.times), bytesOf(columns.lengths), bytesOf(columns.counts)]);
}

export function decodeColumns(bytes: Buffer): SegmentColumns {
  const buffer = aligned(bytes);
  return {
    times: new Float64Array(buffer, 0, segmentSize),
    lengths: new Float32Array(buffer, segmentSize * 8, segmentSize),
    counts: new Uint32Array(buffer, segmentSize * 12, segmentSize),
  };
}

/**
 * The one encoding of an episode's content: equal episodes have equal bytes, whatever order their meta came in. The id
 * stands first.
 */
export function encodeEpisode(episode: Episode): Buffer {
  const meta = Object.fromEntries(Object.entries(episode.meta).sort(([a], [b]) => (a < b ? -1 : 1)));
  const bytes = Episode.encode({ ...episode, meta }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy whose first byte is aligned for every typed array. */
function aligned(bytes: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function bytesOf(view: Float32Array | Float64Array | Uint16Array | Uint32Array): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
