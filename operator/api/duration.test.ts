import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Duration } from './duration.js';

test.each([
  ['48h', 172_800_000],
  ['1h30m', 5_400_000],
  ['90s', 90_000],
  ['1m500ms', 60_500],
  ['0s', 0],
])('%s is %d ms', (text, milliseconds) => expect(Duration.parse(text).milliseconds).toBe(milliseconds));

test.each(['', '7', 'h', '1.5h', '-1s', '2 h', '7d', '1h '])('%j is not a duration', (text) =>
  expect(() => Duration.parse(text)).toThrow(RangeError),
);

test('the text of a duration is read back as the same duration', () =>
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      const duration = Duration.ofMilliseconds(ms);
      expect(Duration.parse(duration.toString()).milliseconds).toBe(ms);
    }),
  ));

test('after adds to an instant', () =>
  expect(Duration.parse('48h').after('2026-01-01T00:00:00.000Z').toISOString()).toBe(
    '2026-01-03T00:00:00.000Z',
  ));
