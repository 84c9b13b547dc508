import { isUtf8 } from 'node:buffer';

const newline = 10;

/** A line without its end. */
export interface Line {
  /** Bytes from the start of the input. */
  readonly offset: number;
  /** Undefined when the line is longer than the limit; it is skipped, not kept in memory. */
  readonly text: string | undefined;
}

/** Cuts a stream of bytes into lines, ended by LF or CRLF. A UTF-8 byte order mark at the start is dropped. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let offset = 0;
  const take = (): Line => {
    const text = length > maxBytes ? undefined : decodeText(Buffer.concat(parts)).replace(/\r$/, '');
    const line = { offset, text: offset === 0 ? text?.replace(/^\uFEFF/, '') : text };
    offset += length + 1;
    parts = [];
    length = 0;
    return line;
  };
  const keep = (part: Uint8Array): void => {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else parts = [];
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

/** Text of bytes that name no encoding: UTF-8 where they are valid UTF-8, else windows-1252, as browsers do. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(isUtf8(bytes) ? 'utf-8' : 'windows-1252', { ignoreBOM: true }).decode(bytes);
}
