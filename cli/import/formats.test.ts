import { describe, expect, test } from '@jest/globals';
import type { Parsed } from './episode.js';
import type { Format } from './format.js';
import { isImportable, readInput } from './formats.js';
import type { Input } from './input.js';

const modified = Date.parse('2024-05-01T10:00:00Z');

function inputOf(content: string | Buffer, name = '-'): Input {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(content as string);
    for (let at = 0; at < bytes.length; at += 100) yield await Promise.resolve(bytes.subarray(at, at + 100));
  }
  return { name, modified, chunks: chunks() };
}

async function read(content: string | Buffer, name?: string, format?: Format): Promise<Parsed[]> {
  const parsed: Parsed[] = [];
  for await (const one of readInput(inputOf(content, name), format)) parsed.push(one);
  return parsed;
}

const episodes = (parsed: readonly Parsed[]) =>
  parsed.flatMap((one) => ('episode' in one ? [one.episode] : []));
const broken = (parsed: readonly Parsed[]) => parsed.flatMap((one) => ('broken' in one ? [one.broken] : []));
const names = (parsed: readonly Parsed[]) => episodes(parsed).map(({ concepts }) => Object.keys(concepts));

describe('readInput', () => {
  test.each([
    [
      'mbox by its first line',
      '-',
      'From a@b.org Thu Aug 22 12:36:23 2002\nSubject: kite\n\nkite\n',
      [['kite']],
    ],
    ['a mail by its header', 'inbox/17', 'Received: by x\nSubject: kite\n\nkite\n', [['kite']]],
    ['Markdown by its name', 'a.md', '# Kite\n\nviolin\n\n## Drum\n', [['kite', 'violin'], ['drum']]],
    ['a chat by its objects', 'log.jsonl', '{"id":"1","text":"kite"}\n', [['kite']]],
    ['episodes by their concepts', '-', '{"id":"1","concepts":{"Kite":1}}\n', [['Kite']]],
    ['anything else as text', 'notes.txt', 'From the kite\n', [['kite']]],
  ])('knows %s', async (_what, name, content, expected) => {
    expect(names(await read(content, name))).toEqual(expected);
  });

  test('believes the format that it is given', async () => {
    expect(names(await read('# kite\n', 'a.md', 'text'))).toEqual([['kite']]);
    expect(broken(await read('# kite\n', 'a.md', 'eml'))).toHaveLength(1);
  });

  test('reports binary files and files that cannot be read', async () => {
    expect(broken(await read('\0\x01\x02', 'x.txt'))).toEqual([
      { file: 'x.txt', offset: 0, reason: 'this is not text' },
    ]);
  });

  test('reads UTF-16 with a byte order mark', async () => {
    expect(names(await read(Buffer.from('\uFEFFnaïve kite', 'utf16le'), 'notes.txt'))).toEqual([
      ['naïve', 'kite'],
    ]);
  });

  test('reads text in windows-1252', async () => {
    expect(names(await read(Buffer.from('caf\xe9 \x93kite\x94', 'latin1'), 'notes.txt'))).toEqual([
      ['café', 'kite'],
    ]);
  });
});

describe('Markdown', () => {
  test('begins an episode at each heading outside fences', async () => {
    const found = await read('intro violin\n# Kite\n```sh\n# comment drum\n```\n[link](tiger.md)\n', 'a.md');
    expect(names(found)).toEqual(
      [
        ['violin', 'intro'],
        ['kite', 'sh', 'comment', 'drum', 'link'],
      ].map((list) => expect.arrayContaining(list)),
    );
    expect(episodes(found).map(({ meta }) => meta)).toEqual([{ title: 'intro violin' }, { title: 'Kite' }]);
  });

  test('names a section by its text, so that the same text is remembered once', async () => {
    const [one] = episodes(await read('# Kite\n', 'a.md'));
    const [other] = episodes(await read('# Kite\n', 'b.md'));
    expect(one!.id).toBe(other!.id);
    expect(one).toMatchObject({ time: modified, source: 'a.md' });
  });
});

describe('plain text', () => {
  test('gathers paragraphs to pages', async () => {
    const paragraph = `${'violin kite '.repeat(60)}\n\n`;
    expect(names(await read(paragraph.repeat(10), 'a.txt')).length).toBeGreaterThan(2);
    expect(names(await read('violin\n\nkite\n', 'a.txt'))).toEqual([['violin', 'kite']]);
  });

  test('reports a file without words', async () => {
    expect(broken(await read('1 2 3', 'a.txt'))).toEqual([
      { file: 'a.txt', offset: 0, reason: 'the file has no words' },
    ]);
  });
});

describe('JSONL', () => {
  test('keeps ids, times, sources and labels', async () => {
    const lines = [
      { id: 'a', time: 1000, concepts: { x: 0.5, y: 2 }, source: 's', meta: { k: 'v' } },
      { id: 7, time: '2020-01-01T00:00:00Z', concepts: { x: 1 } },
    ];
    expect(episodes(await read(lines.map((line) => JSON.stringify(line)).join('\r\n'), 'a.jsonl'))).toEqual([
      { id: 'a', time: 1000, concepts: { x: 0.5, y: 2 }, source: 's', meta: { k: 'v' } },
      { id: '7', time: Date.parse('2020-01-01T00:00:00Z'), concepts: { x: 1 }, source: '', meta: {} },
    ]);
  });

  test('gives a line without id a hash and one without time that of the file', async () => {
    const [episode] = episodes(await read('{"text":"kite"}', 'a.jsonl'));
    expect(episode).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{64}$/), time: modified });
  });

  test.each([
    ['{"id":"a"', 'line: '],
    ['{"id":"a","concepts":{"x":-1}}', 'concepts.x: '],
    ['{"id":"a","concepts":{"x":"1"}}', 'concepts.x: '],
    ['{"id":"a","concepts":{}}', 'the line has no concepts'],
    ['{"id":"","concepts":{"x":1}}', 'id: '],
    ['{"id":"a","time":"soon","concepts":{"x":1}}', 'time: expected milliseconds'],
    ['[]', 'line: '],
  ])('skips the line %s, names what is wrong, and goes on', async (line, reason) => {
    const found = await read(
      `{"id":"1","concepts":{"x":1}}\n\n${line}\n{"id":"2","concepts":{"x":1}}\n`,
      'a.jsonl',
      'episodes-jsonl',
    );
    expect(episodes(found).map(({ id }) => id)).toEqual(['1', '2']);
    expect(broken(found)).toEqual([{ file: 'a.jsonl', offset: 31, reason: expect.stringContaining(reason) }]);
  });
});

test('isImportable takes texts and mail folders, not code or images', () => {
  const taken = ['a.mbox', 'b.EML', 'c.md', 'd.txt', 'e.jsonl', 'INBOX', '1029.M2P1.host.example:2,S'];
  expect(taken.filter((name) => !isImportable(name))).toEqual([]);
  expect(['a.json', 'b.png', 'c.ts', 'd.tar.gz'].filter(isImportable)).toEqual([]);
});
