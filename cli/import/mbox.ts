/** Longest `From ` line; more than this much of the end of a message is kept while its end is looked for. */
const maxSeparatorBytes = 1024;

/** `From sender date`: the time and year of the asctime date tell it from a sentence that begins with "From". */
const separator = /^From .*\d{1,2}:\d{2}(:\d{2})? .*\d{4}/;

/** One message of an mbox, as it was before it was put there. */
export interface RawMessage {
  /** Bytes from the start of the file to its `From ` line. */
  readonly offset: number;
  readonly raw: Buffer;
}

/** Whether a file begins as an mbox does. */
export function beginsAsMbox(head: Buffer): boolean {
  return lineAt(head, 0) !== undefined && isSeparator(head, 0);
}

/**
 * Splits an mbox into messages, holding one message at a time.
 *
 * A separator is a `From ` line with an asctime date, at the start of the file or after an empty line (RFC 4155). Quoting
 * is mboxrd's: a line of the message that begins with `>`s and `From ` has one `>` more in the file, so that the
 * original comes back. What stands before the first separator is a message of its own.
 * @param maxBytes longer messages are cut there
 */
export async function* splitMbox(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<RawMessage> {
  let buffer = Buffer.alloc(0);
  let offset = 0;
  let skipping = false;
  for await (const chunk of chunks) {
    buffer = Buffer.concat([buffer, chunk]);
    let start = 0;
    for (const next of separatorsIn(buffer)) {
      if (!skipping) yield* message(buffer.subarray(start, next), offset + start);
      skipping = false;
      start = next;
    }
    if (!skipping && buffer.length - start > maxBytes) {
      yield* message(buffer.subarray(start, start + maxBytes), offset + start);
      skipping = true;
    }
    const kept = skipping ? Math.max(start, buffer.length - 2 * maxSeparatorBytes) : start;
    buffer = buffer.subarray(kept);
    offset += kept;
  }
  if (!skipping) yield* message(buffer, offset);
}

/** Places of the separators that follow an empty line and are there to their last byte. */
function* separatorsIn(buffer: Buffer): Generator<number> {
  for (let at = buffer.indexOf('\nFrom '); at >= 0; at = buffer.indexOf('\nFrom ', at + 1)) {
    const before = buffer.toString('latin1', Math.max(0, at - 2), at);
    if ((before.endsWith('\n') || before === '\n\r') && isSeparator(buffer, at + 1)) yield at + 1;
  }
}

function isSeparator(buffer: Buffer, start: number): boolean {
  const line = lineAt(buffer, start);
  return line !== undefined && separator.test(line);
}

/** The line that starts there, or undefined while its end is not in the buffer. */
function lineAt(buffer: Buffer, start: number): string | undefined {
  const end = buffer.subarray(start, start + maxSeparatorBytes).indexOf('\n');
  return end < 0 ? undefined : buffer.toString('latin1', start, start + end);
}

/** The message of a separator line and what follows, without the empty line that mbox adds; none when all is blank. */
function* message(lines: Buffer, offset: number): Generator<RawMessage> {
  const text = lines.toString('latin1');
  if (text.trim() === '') return;
  const content = isSeparator(lines, 0) ? text.slice(text.indexOf('\n') + 1) : text;
  const original = content.replace(/(\r?\n)\r?\n$/, '$1').replace(/^>(>*From )/gm, '$1');
  yield { offset, raw: Buffer.from(original, 'latin1') };
}
