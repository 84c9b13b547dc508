import { createHash } from 'node:crypto';

/** What a digest covers; the id is left out, as it names the episode. */
export interface DigestedEpisode {
  readonly timeUnixMs: number;
  readonly source: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Names of the concepts, in any order, without repetition. */
  readonly names: readonly string[];
  /** Activation of each name. */
  readonly values: Float32Array;
}

/**
 * SHA-256 over a canonical encoding: concepts by name in code unit order, so that vaults whose dictionaries gave other ids
 * agree. Strings are UTF-8 with their length before them (u32), numbers are big-endian (time as f64, which is exact for
 * every time that a vault accepts; activations as f32), lists have their length before them (u32).
 */
export function digest(episode: DigestedEpisode): Buffer {
  const meta = Object.entries(episode.meta).sort(([a], [b]) => compare(a, b));
  const order = episode.names.map((_, k) => k).sort((a, b) => compare(episode.names[a]!, episode.names[b]!));
  const parts: Buffer[] = [f64(episode.timeUnixMs), text(episode.source), u32(meta.length)];
  for (const [key, value] of meta) parts.push(text(key), text(value));
  parts.push(u32(order.length));
  for (const k of order) parts.push(text(episode.names[k]!), f32(episode.values[k]!));
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeFloatBE(value);
  return bytes;
}

function f64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
