import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findFiles } from './files.js';
import { readInput } from './formats.js';
import { counted, fileInput } from './input.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tori-import-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content = 'kite'): Promise<void> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), content);
}

test('walks folders in order, without hidden files and what is no text', async () => {
  for (const name of ['b.txt', 'a/deep/x.md', 'a/.git/config', 'node_modules/p/readme.md', 'c.png'])
    await write(name);
  const found = await findFiles([folder]);
  expect(found.map(({ name }) => relative(folder, name))).toEqual(['a/deep/x.md', 'b.txt']);
  expect(found[0]).toMatchObject({ bytes: 4, modified: expect.any(Number) });
});

test('takes a file that is named whatever its extension, and refuses one that is not there', async () => {
  await write('c.data');
  expect(await findFiles([join(folder, 'c.data')])).toHaveLength(1);
  await expect(findFiles([join(folder, 'absent')])).rejects.toThrow('ENOENT');
});

test('counts every byte that it reads, and reports a file that vanished', async () => {
  await write('a.txt', 'kite violin '.repeat(1000));
  const [file] = await findFiles([join(folder, 'a.txt')]);
  let bytes = 0;
  for await (const parsed of readInput(counted(fileInput(file!), (count) => (bytes += count)))) {
    expect(parsed).toHaveProperty('episode');
  }
  expect(bytes).toBe(file!.bytes);
  await rm(file!.name);
  for await (const parsed of readInput(fileInput(file!))) {
    expect(parsed).toEqual({
      broken: { file: file!.name, offset: 0, reason: expect.stringContaining('ENOENT') },
    });
  }
});
