import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { ConfigError } from '../config/config.js';
import { runProcess, type Drainable } from './process.js';

const exits = new EventEmitter();
const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    exits.emit('exit', code);
    return undefined as never;
  });
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  process.removeAllListeners('SIGTERM');
  process.removeAllListeners('SIGINT');
});

describe('a process', () => {
  test('drains once on SIGTERM, however often it comes, and ends with 0', async () => {
    const drain = jest.fn(() => Promise.resolve());
    await runProcess('probe', () => Promise.resolve({ drain }));
    const ended = once(exits, 'exit');
    process.emit('SIGTERM');
    process.emit('SIGTERM');
    expect(await ended).toEqual([0]);
    expect(drain).toHaveBeenCalledTimes(1);
  });

  test('that is told to stop while it starts ends at once', async () => {
    const ended = once(exits, 'exit');
    void runProcess('probe', () => new Promise<Drainable>(() => undefined));
    process.emit('SIGTERM');
    expect(await ended).toEqual([0]);
  });

  test('whose drain fails says why and ends with 1', async () => {
    await runProcess('probe', () => Promise.resolve({ drain: () => Promise.reject(new Error('disk full')) }));
    const ended = once(exits, 'exit');
    process.emit('SIGTERM');
    expect(await ended).toEqual([1]);
    expect(written).toEqual(['probe: Error: disk full\n']);
  });

  test('with a wrong configuration says so in a line for each variable and ends with 78', async () => {
    const ended = once(exits, 'exit');
    await runProcess('probe', () => Promise.reject(new ConfigError('A is not set: x\nB = "y": z')));
    expect(await ended).toEqual([78]);
    expect(written).toEqual(['probe: A is not set: x\n', 'probe: B = "y": z\n']);
  });
});
