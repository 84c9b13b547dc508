import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { routingKeyOf, shardCount, shardOf, trackOf } from './shards.js';

describe('shardOf', () => {
  test.each([
    ['default', 'episode-1', 1317],
    ['default', 'episode-2', 5157],
    ['acme', 'шаг', 2490],
    ['acme', '', 879],
  ])('of tenant %j and key %j is %i', (tenant, key, shard) => {
    expect(shardOf(tenant, key)).toBe(shard);
  });

  test('the NUL keeps tenant and key apart', () => {
    expect(shardOf('ab', 'c')).not.toBe(shardOf('a', 'bc'));
  });

  test.each([100, 1_000, 5_000])(
    'gives %i basis points to the canary, within five standard deviations',
    (share) => {
      const keys = 20_000;
      let canary = 0;
      for (let k = 0; k < keys; k++)
        if (trackOf(shardOf('default', `episode-${k}`), share) === 'canary') canary++;
      const expected = share / shardCount;
      const deviation = Math.sqrt((expected * (1 - expected)) / keys);
      expect(Math.abs(canary / keys - expected)).toBeLessThan(5 * deviation);
    },
  );
});

describe('trackOf', () => {
  test('a growing share only moves shards to the canary', () => {
    const share = fc.integer({ min: 0, max: shardCount });
    fc.assert(
      fc.property(fc.string(), fc.string(), share, share, (tenant, key, one, other) => {
        const shard = shardOf(tenant, key);
        const [small, large] = one < other ? [one, other] : [other, one];
        expect(shard).toBeGreaterThanOrEqual(0);
        expect(shard).toBeLessThan(shardCount);
        if (trackOf(shard, small) === 'canary') expect(trackOf(shard, large)).toBe('canary');
      }),
    );
  });

  test('0 is none and 10000 is all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: shardCount - 1 }), (shard) => {
        expect([trackOf(shard, 0), trackOf(shard, shardCount)]).toEqual(['stable', 'canary']);
      }),
    );
  });
});

test.each([
  ['episode', 'k', 'e-1'],
  ['tenant', 'k', ''],
  ['shardKey', 'k', 'k'],
  ['shardKey', undefined, 'e-1'],
] as const)('routing by %s with shardKey %j uses the key %j', (routingKey, shardKey, key) => {
  expect(routingKeyOf(routingKey, { episodeId: 'e-1', shardKey })).toBe(key);
});
