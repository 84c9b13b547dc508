import { describe, expect, test } from '@jest/globals';
import { otherTrack, parseShardTable, ShardTableError, tracksOf } from './table.js';

const services = {
  revision: 'r1',
  vault: '127.0.0.1:50051',
  sleep: 'sleep.memory.svc:50052',
  pruner: '[::1]:50053',
  koopman: 'localhost:50054',
};
const table = { epoch: 7, routingKey: 'episode', canaryBasisPoints: 0, tracks: { stable: services } };
const withCanary = { ...table, canaryBasisPoints: 100, tracks: { stable: services, canary: services } };

function parse(value: unknown) {
  return parseShardTable(JSON.stringify(value));
}

describe('parseShardTable', () => {
  test.each([
    ['without a canary', table],
    ['with a canary', withCanary],
    ['with a draining canary', { ...withCanary, canaryBasisPoints: 0 }],
  ])('reads a table %s', (_, value) => {
    expect(parse(value)).toEqual(value);
  });

  test.each([
    [{ ...table, epoch: -1 }, /epoch = -1: /],
    [{ ...table, epoch: 1.5 }, /epoch = 1\.5: /],
    [{ ...table, routingKey: 'session' }, /routingKey = "session": /],
    [{ ...withCanary, canaryBasisPoints: 10_001 }, /canaryBasisPoints = 10001: /],
    [
      { ...table, canaryBasisPoints: 100 },
      /canaryBasisPoints = 100: expected 0 while tracks\.canary is absent/,
    ],
    [
      { ...table, tracks: { stable: { ...services, vault: '127.0.0.1' } } },
      /tracks\.stable\.vault = "127\.0\.0\.1": expected host:port/,
    ],
    [
      { ...table, tracks: { stable: { ...services, sleep: 'a:70000' } } },
      /tracks\.stable\.sleep = "a:70000": expected a port/,
    ],
    [{ ...table, tracks: {} }, /tracks\.stable = absent: /],
    [{ ...table, extra: 1 }, /document = .*extra/],
    [[], /document = \[\]: /],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(ShardTableError);
    expect(() => parse(value)).toThrow(message);
  });

  test('refuses half a file', () => {
    expect(() => parseShardTable('{"epoch": 7')).toThrow(/shard table: not JSON/);
  });
});

test('names the tracks and the other track', () => {
  expect(tracksOf(parse(table))).toEqual(['stable']);
  expect(tracksOf(parse(withCanary))).toEqual(['stable', 'canary']);
  expect(otherTrack(parse(table), 'stable')).toBeUndefined();
  expect(otherTrack(parse(withCanary), 'stable')).toBe('canary');
  expect(otherTrack(parse(withCanary), 'canary')).toBe('stable');
});
