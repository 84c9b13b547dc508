import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Top } from './top.js';

test('keeps the greatest pairs, greatest first, whatever order they come in', () => {
  const pairs = fc.array(fc.record({ key: fc.integer({ min: 0, max: 5 }), item: fc.nat(50) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(pairs, fc.integer({ min: 1, max: 20 }), (offered, capacity) => {
      const top = new Top(capacity);
      for (const { key, item } of offered) top.offer(key, item);
      const expected = [...offered].sort((a, b) => b.key - a.key || b.item - a.item).slice(0, capacity);
      expect(top.sorted()).toEqual(expected);
      expect(top.threshold).toBe(offered.length < capacity ? -Infinity : expected.at(-1)!.key);
    }),
  );
});
