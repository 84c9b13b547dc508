import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { beginsAsMbox, splitMbox, type RawMessage } from './mbox.js';

const fromLine = 'From ann@example.org Thu Aug 22 12:36:23 2002\n';

/** The mbox of messages, as an mboxrd writer makes it. */
function mboxOf(messages: readonly string[]): Buffer {
  const quoted = messages.map((message) => message.replace(/^(>*From )/gm, '>$1'));
  return Buffer.from(quoted.map((message) => `${fromLine}${message}\n`).join(''));
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function split(bytes: Buffer, size = 64, maxBytes = 1_000_000): Promise<RawMessage[]> {
  const messages: RawMessage[] = [];
  for await (const message of splitMbox(inChunks(bytes, size), maxBytes)) messages.push(message);
  return messages;
}

const texts = (messages: readonly RawMessage[]): string[] => messages.map(({ raw }) => raw.toString());

const line = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replace(/[\r\n]/g, '')),
  fc.constantFrom(
    '',
    'From ',
    '>From here',
    '>>From x',
    fromLine.trimEnd(),
    `>${fromLine.trimEnd()}`,
    'Subject: x',
  ),
);

/** A message as it stands in a mailbox: not blank, and its last line is ended. */
const message = fc.array(line, { maxLength: 12 }).map((lines) => `Subject: s\n${lines.join('\n')}\n`);

describe('splitMbox', () => {
  test('property: messages come back as they were, whatever the size of the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 8 }),
        fc.integer({ min: 1, max: 400 }),
        async (messages, size) => {
          expect(texts(await split(mboxOf(messages), size))).toEqual(messages);
        },
      ),
    );
  });

  test('property: offsets are where the separators stand', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 8 }),
        fc.integer({ min: 1, max: 400 }),
        async (messages, size) => {
          const file = mboxOf(messages);
          for (const { offset } of await split(file, size)) {
            expect(file.toString('latin1', offset, offset + fromLine.length)).toBe(fromLine);
          }
        },
      ),
    );
  });

  test('does not take a sentence for a separator', async () => {
    const body = 'Subject: x\n\nHello\n\nFrom now on we meet at ten.\n';
    expect(texts(await split(Buffer.from(`${fromLine}${body}\n`)))).toEqual([body]);
  });

  test('reads CRLF', async () => {
    const crlf = Buffer.from(mboxOf(['A: 1\n\none\n', 'B: 2\n\ntwo\n']).toString().replaceAll('\n', '\r\n'));
    expect(texts(await split(crlf))).toEqual(['A: 1\r\n\r\none\r\n', 'B: 2\r\n\r\ntwo\r\n']);
  });

  test('cuts a huge message and finds the next one', async () => {
    const huge = `Subject: huge\n\n${'lorem ipsum\n'.repeat(4_000)}`;
    const messages = await split(mboxOf([huge, 'Subject: next\n\nnext\n']), 512, 4096);
    expect(messages[0]!.raw.length).toBeLessThanOrEqual(4096);
    expect(messages.slice(1).map(({ raw }) => raw.toString())).toEqual(['Subject: next\n\nnext\n']);
  });

  test('keeps what stands before the first separator, and yields nothing for nothing', async () => {
    expect(texts(await split(Buffer.concat([Buffer.from('junk\n\n'), mboxOf(['A: 1\n'])])))).toEqual([
      'junk\n',
      'A: 1\n',
    ]);
    expect(await split(Buffer.from(' \n\n'))).toEqual([]);
    expect(await split(Buffer.alloc(0))).toEqual([]);
  });
});

test('beginsAsMbox looks at the first line alone', () => {
  expect(beginsAsMbox(mboxOf(['A: 1\n']))).toBe(true);
  expect(beginsAsMbox(Buffer.from(`Subject: x\n\n${fromLine}`))).toBe(false);
});
