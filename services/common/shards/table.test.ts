import { describe, expect, test } from '@jest/globals';
import { parseShardTable, routeOf, ShardTableError, tracksHolding, tracksServing } from './table.js';

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
    [
      { ...withCanary, canaryPeakBasisPoints: 99 },
      /canaryPeakBasisPoints = 99: expected canaryBasisPoints or more/,
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

describe('routeOf', () => {
  const route = (value: unknown, episodeId: string, shardKey?: string) =>
    routeOf(parse(value), 'default', { episodeId, shardKey });
  // The contract's table: episode-1 is shard 1317, episode-2 is shard 5157.
  const half = { ...withCanary, canaryBasisPoints: 2_000 };

  test('without a canary everything is in stable', () => {
    expect(route(table, 'episode-1')).toEqual({ shard: 1317, track: 'stable', other: undefined });
  });

  test('with a canary the other track is asked too', () => {
    expect(route(half, 'episode-1')).toEqual({ shard: 1317, track: 'canary', other: 'stable' });
    expect(route(half, 'episode-2')).toEqual({ shard: 5157, track: 'stable', other: 'canary' });
  });

  test('shards above the peak never went to the canary', () => {
    const peaked = { ...half, canaryBasisPoints: 0, canaryPeakBasisPoints: 2_000 };
    expect(route(peaked, 'episode-1')).toEqual({ shard: 1317, track: 'stable', other: 'canary' });
    expect(route(peaked, 'episode-2')).toEqual({ shard: 5157, track: 'stable', other: undefined });
    const byShardKey = { ...peaked, routingKey: 'shardKey' };
    expect(route(byShardKey, 'x', 'episode-2').other).toBe('canary');
  });
});

describe('tracks of a tenant', () => {
  // Tenant acme is shard 879 where the tenant is the key.
  test.each([
    [{ ...table, routingKey: 'tenant' }, ['stable'], ['stable']],
    [{ ...withCanary, routingKey: 'tenant' }, ['stable', 'canary'], ['stable']],
    [{ ...withCanary, routingKey: 'tenant', canaryPeakBasisPoints: 100 }, ['stable'], ['stable']],
    [{ ...withCanary, routingKey: 'tenant', canaryBasisPoints: 900 }, ['canary', 'stable'], ['canary']],
    [withCanary, ['stable', 'canary'], ['stable', 'canary']],
    [{ ...withCanary, canaryBasisPoints: 0 }, ['stable', 'canary'], ['stable']],
  ])('of %j hold in %j and serve in %j', (value, holding, serving) => {
    expect(tracksHolding(parse(value), 'acme')).toEqual(holding);
    expect(tracksServing(parse(value), 'acme')).toEqual(serving);
  });
});
