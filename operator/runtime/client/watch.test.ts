import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isExpired, ProtocolError } from './errors.js';
import { lines, parseWatchEvent } from './watch.js';

function cut(bytes: Buffer, sizes: readonly number[]): Readable {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return Readable.from([...chunks, bytes.subarray(start)]);
}

test('lines do not depend on how the network cuts them', async () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\n\r]/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(20)), async (texts, sizes) => {
      const found: string[] = [];
      for await (const one of lines(cut(Buffer.from(texts.map((text) => `${text}\n`).join('')), sizes)))
        found.push(one);
      expect(found).toEqual(texts);
    }),
  );
});

describe('an event', () => {
  const parse = (event: unknown) =>
    parseWatchEvent(typeof event === 'string' ? event : JSON.stringify(event), 'watch x');

  test('carries an object, or how far the watch has come', () => {
    const object = { metadata: { name: 'a', resourceVersion: 'opaque' } };
    expect(parse({ type: 'ADDED', object })).toEqual({ type: 'ADDED', object });
    expect(parse({ type: 'BOOKMARK', object })).toEqual({ type: 'BOOKMARK', resourceVersion: 'opaque' });
  });

  test('can be the reason why the watch ends', () => {
    const failure = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    const thrown = thrownBy(() => parse({ type: 'ERROR', object: failure }));
    expect(isExpired(thrown)).toBe(true);
    expect(thrown).toMatchObject({ reason: 'Expired', message: 'watch x: too old' });
  });

  test.each([
    '{"type":"ADDED"',
    'null',
    '[]',
    '{}',
    '{"type":"NEW","object":{}}',
    '{"type":"BOOKMARK","object":{}}',
  ])('that makes no sense is a protocol error: %s', (text) => {
    expect(() => parse(text)).toThrow(ProtocolError);
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
