import type { Bin } from './domain/bins.js';

const headerBytes = 8;
const entryBytes = 12;

/** f64 count of events, f64 sums, u32 ids; little-endian, as all platforms of Node are. */
export function encodeBin({ events, ids, sums }: Bin): Buffer {
  const bytes = Buffer.allocUnsafeSlow(headerBytes + entryBytes * ids.length);
  new Float64Array(bytes.buffer, 0, 1)[0] = events;
  new Float64Array(bytes.buffer, headerBytes, ids.length).set(sums);
  new Uint32Array(bytes.buffer, headerBytes + 8 * ids.length, ids.length).set(ids);
  return bytes;
}

/** Reads a bin; the arrays are copies, because the store reuses its buffers. */
export function decodeBin(bytes: Uint8Array): Bin {
  const { buffer } = Uint8Array.from(bytes);
  const count = (bytes.length - headerBytes) / entryBytes;
  return {
    events: new Float64Array(buffer, 0, 1)[0]!,
    sums: new Float64Array(buffer, headerBytes, count),
    ids: new Uint32Array(buffer, headerBytes + 8 * count, count),
  };
}
