import { createReadStream } from 'node:fs';

/** Most bytes read at once: enough that joining the parts of a big message costs little. */
const maxChunkBytes = 1_048_576;

/** A file to read. */
export interface FoundFile {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly modified: number;
}

/** Something to read: a file or standard input. */
export interface Input {
  /** As the user named it; `-` is standard input. */
  readonly name: string;
  /** When it last changed, in milliseconds since the Unix epoch: the time of content that tells no other. */
  readonly modified: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Bytes that were looked at, and a stream that still gives all of them. */
export interface Peeked {
  readonly head: Buffer;
  readonly input: Input;
}

/** A file as a stream; it is opened at the first read. */
export function fileInput({ name, modified, bytes }: FoundFile): Input {
  const highWaterMark = Math.min(maxChunkBytes, Math.max(bytes, 1024));
  return { name, modified, chunks: openLazily(name, highWaterMark) };
}

/** Reads at least `length` bytes (fewer where the input ends) without consuming them. */
export async function peek(input: Input, length: number): Promise<Peeked> {
  const iterator = input.chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return { head, input: { ...input, chunks: prepend(head, iterator) } };
}

/** The input as UTF-8 when it begins with the byte order mark of UTF-16; offsets then count UTF-8 bytes. */
export function transcoded({ head, input }: Peeked): Input {
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[head.toString('hex', 0, 2)];
  return encoding === undefined ? input : { ...input, chunks: toUtf8(input.chunks, encoding) };
}

/** Calls back with the number of bytes of each chunk as it is read. */
export function counted(input: Input, onBytes: (bytes: number) => void): Input {
  return { ...input, chunks: count(input.chunks, onBytes) };
}

/** The whole input, at most `limit` bytes of it. */
export async function readAll(input: Input, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input.chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= limit) break;
  }
  return Buffer.concat(parts, Math.min(length, limit));
}

async function* prepend(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* count(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

async function* toUtf8(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

async function* openLazily(name: string, highWaterMark: number): AsyncGenerator<Uint8Array> {
  yield* createReadStream(name, { highWaterMark });
}
