import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { publishingService } from '../../../test/harness/publishing-service.js';
import { ConfigError } from '../config/config.js';
import { CursorFile } from './cursor-file.js';
import { readRedisAddress } from './redis/settings.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bus-driver-'));
  file = join(folder, 'url');
});
afterEach(() => rmSync(folder, { recursive: true }));

function addressOf(text: string) {
  writeFileSync(file, text);
  return readRedisAddress(file);
}

describe('the URL of Redis', () => {
  test.each([
    ['redis://cache', { host: 'cache', port: 6379, db: 0 }],
    ['redis://cache:7000/3\n', { host: 'cache', port: 7000, db: 3 }],
    [
      'redis://tori:p%40ss%2Fword@10.0.0.7',
      { host: '10.0.0.7', port: 6379, db: 0, username: 'tori', password: 'p@ss/word' },
    ],
    ['rediss://:secret@[fd00::1]:6380', { host: 'fd00::1', port: 6380, db: 0, password: 'secret', tls: {} }],
  ])('%j is understood', (text, address) => {
    expect(addressOf(text)).toEqual(address);
  });

  test.each([
    'http://:hidden@cache',
    'cache:6379/hidden',
    'redis://:hidden@',
    'redis://:hidden@cache/zero',
    'redis://:hidden@cache?family=6',
    'redis://:hidden%zz@cache',
  ])('%j is refused in one line that names the variable and keeps the secret', (text) => {
    let message = '';
    try {
      addressOf(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      message = (error as Error).message;
    }
    expect(message).toMatch(/^REDIS_URL_FILE = ".*": expected redis:\/\/\[user:password@\]host/);
    expect(message).not.toContain('hidden');
    expect(message).not.toContain('\n');
  });
});

describe('a service is not started', () => {
  const start = (env: NodeJS.ProcessEnv) => publishingService({ BUS_DRIVER: 'redis', ...env });

  test.each([
    [{ BUS_DRIVER: 'kafka' }, 'BUS_DRIVER = "kafka"'],
    [{ BUS_PREFIX: 'n:c:stable' }, 'REDIS_URL_FILE is not set: expected a file that holds the URL of Redis'],
    [
      { BUS_PREFIX: 'n:c:stable', REDIS_URL_FILE: '/nowhere/url' },
      'REDIS_URL_FILE = "/nowhere/url": the file cannot be read',
    ],
    [{ BUS_PREFIX: 'n:c' }, 'BUS_PREFIX = "n:c": expected <namespace>:<cluster>:<stable or canary>'],
    [{ BUS_STREAM_EVENTS: '5' }, 'BUS_STREAM_EVENTS = "5"'],
  ])('with %j', async (env, message) => {
    await expect(start(env)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(message),
    });
  });

  test('without a prefix', async () => {
    writeFileSync(file, 'redis://127.0.0.1:1');
    await expect(start({ REDIS_URL_FILE: file })).rejects.toMatchObject({
      name: 'ConfigError',
      message: 'BUS_PREFIX is not set: expected <namespace>:<cluster>:<track>, because BUS_DRIVER is "redis"',
    });
  });
});

test('a cursor file keeps the newest cursor, and a file that cannot be read is none', async () => {
  const path = join(folder, 'bus', 'source.json');
  const cursor = new CursorFile(path);
  expect(cursor.read()).toBeUndefined();
  const facts = { type: 'a', tenant: 'default', timeUnixMs: 0, attributes: {} };
  for (const sequence of [1, 2, 3]) cursor.keep({ ...facts, sequence, eventId: `log:${sequence}` });
  await cursor.written();
  expect(new CursorFile(path).read()).toEqual({ log: 'log', sequence: 3 });
  writeFileSync(path, '{');
  expect(new CursorFile(path).read()).toBeUndefined();
});
