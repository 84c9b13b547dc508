/**
 * Keys of the vault's tables. Every key of a tenant begins with its name and a zero byte, which no name holds; numbers
 * are big-endian, so that the order of keys is the order of numbers.
 */

const maxU32 = 2 ** 32;
/** Added to the high word of a time, so that times before 1970 sort first. */
const timeBias = 2 ** 31;

/** A number from 0 to 2^53 as 8 bytes. */
export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(Math.floor(value / maxU32), 0);
  bytes.writeUInt32BE(value % maxU32, 4);
  return bytes;
}

/** Reads what {@link u64} wrote. */
export function readU64(bytes: Buffer, at = 0): number {
  return bytes.readUInt32BE(at) * maxU32 + bytes.readUInt32BE(at + 4);
}

/** First key of a tenant, and what all its keys begin with. */
export function tenantPrefix(tenant: string): Buffer {
  return Buffer.from(`${tenant}\0`);
}

/** A key that is above all keys of a tenant and below those of the next. */
export function tenantEnd(tenant: string): Buffer {
  return Buffer.from(`${tenant}\x01`);
}

/** The tenant of a key. */
export function tenantOfKey(key: Buffer): string {
  return key.toString('utf8', 0, key.indexOf(0));
}

/** Key of an entry in the log of a tenant. */
export function logKey(tenant: string, sequence: number): Buffer {
  return Buffer.concat([tenantPrefix(tenant), u64(sequence)]);
}

/** The sequence of a {@link logKey}. */
export function sequenceOfKey(key: Buffer): number {
  return readU64(key, key.length - 8);
}

/** Key of an episode's id. */
export function idKey(tenant: string, id: string): Buffer {
  return Buffer.from(`${tenant}\0${id}`);
}

/** Key in the time index: time, then id. */
export function timeKey(tenant: string, timeUnixMs: number, id = ''): Buffer {
  const high = Math.floor(timeUnixMs / maxU32);
  const time = Buffer.allocUnsafe(8);
  time.writeUInt32BE(high + timeBias, 0);
  time.writeUInt32BE(timeUnixMs - high * maxU32, 4);
  return Buffer.concat([tenantPrefix(tenant), time, Buffer.from(id)]);
}

/** Key of a name in the dictionary, or of a segment of the concept index. */
export function numberKey(tenant: string, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return Buffer.concat([tenantPrefix(tenant), bytes]);
}

/** The number of a {@link numberKey}. */
export function numberOfKey(key: Buffer): number {
  return key.readUInt32BE(key.length - 4);
}

/** Key of the posting of a concept in a segment; all of a segment lie side by side. */
export function postingKey(tenant: string, segment: number, concept: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(segment, 0);
  bytes.writeUInt32BE(concept, 4);
  return Buffer.concat([tenantPrefix(tenant), bytes]);
}
