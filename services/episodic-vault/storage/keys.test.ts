import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { logKey, postingKey, readU64, sequenceOfKey, tenantEnd, tenantOfKey, timeKey, u64 } from './keys.js';

const sequence = fc.maxSafeNat();
const tenant = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?$/);
const sign = (value: number) => Math.sign(value);

test('keys of numbers sort as the numbers do and give them back', () => {
  fc.assert(
    fc.property(tenant, sequence, sequence, (name, a, b) => {
      expect(sign(Buffer.compare(logKey(name, a), logKey(name, b)))).toBe(sign(a - b));
      expect(readU64(u64(a))).toBe(a);
      expect(sequenceOfKey(logKey(name, a))).toBe(a);
      expect(tenantOfKey(logKey(name, a))).toBe(name);
    }),
  );
});

test('keys of times sort by time, before 1970 too, then by id', () => {
  const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
  fc.assert(
    fc.property(time, time, fc.string(), fc.string(), (a, b, x, y) => {
      const order = sign(Buffer.compare(timeKey('t', a, x), timeKey('t', b, y)));
      expect(order).toBe(a === b ? sign(Buffer.compare(Buffer.from(x), Buffer.from(y))) : sign(a - b));
    }),
  );
});

test('keys of a tenant lie between its bounds and apart from those of others', () => {
  fc.assert(
    fc.property(tenant, tenant, sequence, (a, b, at) => {
      expect(Buffer.compare(logKey(a, at), tenantEnd(a))).toBe(-1);
      if (a === b) return;
      const [low, high] = [a, b].sort((x, y) => Buffer.compare(tenantEnd(x), tenantEnd(y)));
      expect(Buffer.compare(tenantEnd(low!), logKey(high!, at))).toBe(-1);
    }),
  );
});

test('postings of a segment lie side by side', () => {
  expect(Buffer.compare(postingKey('t', 1, 0xffff_ffff), postingKey('t', 2, 0))).toBe(-1);
});
