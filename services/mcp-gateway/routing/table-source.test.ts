import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../common/logger.js';
import type { ShardTable } from '../../common/shards/table.js';
import { watchTable, type TableSource } from './table-source.js';

const logger = createLogger('test', 'silent');
const services = { revision: 'r', vault: 'h:1', sleep: 'h:2', pruner: 'h:3', koopman: 'h:4' };

function table(epoch: number, revision = 'r'): string {
  const stable = { ...services, revision };
  return JSON.stringify({ epoch, routingKey: 'episode', canaryBasisPoints: 0, tracks: { stable } });
}

describe('watchTable', () => {
  let folder: string;
  let path: string;
  let source: TableSource;
  let adopted: ShardTable[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'table-'));
    path = join(folder, 'shard-table.json');
    adopted = [];
    source = await watchTable(path, (each) => adopted.push(each), logger);
  });
  afterEach(async () => {
    source.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function publish(text: string) {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  async function read(text: string) {
    await publish(text);
    await source.refresh();
    return source.peek()?.epoch;
  }

  test('without a file there is no table, and the error says who writes it', () => {
    expect(source.peek()).toBeUndefined();
    expect(() => source.current()).toThrow(/shard table .* is not there yet; the operator writes it/);
  });

  test('sees a file that appears and is replaced, without being told', async () => {
    for (const epoch of [1, 2]) {
      await publish(table(epoch));
      while (source.peek()?.epoch !== epoch) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(adopted.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  test('never goes back, and keeps its table when the file is broken', async () => {
    expect(await read(table(5))).toBe(5);
    expect(await read(table(4))).toBe(5);
    expect(await read('{"epoch":')).toBe(5);
    expect(await read(table(5, 'other'))).toBe(5);
    expect(source.current().tracks.stable.revision).toBe('r');
    await rm(path);
    await source.refresh();
    expect(source.peek()?.epoch).toBe(5);
    expect(await read(table(6))).toBe(6);
  });
});
