import { describe, expect, test } from '@jest/globals';
import { age, percent, significant, table } from './table.js';

describe('table', () => {
  test('aligns text left and numbers right under upper-case headings', () => {
    const rows = [
      ['violin', 7, 0.12345],
      ['oboe', 1200, 0.5],
    ];
    expect(table(['name', 'count', 'share'], rows)).toBe(
      ['NAME     COUNT   SHARE', 'violin       7   0.123', 'oboe      1200     0.5'].join('\n'),
    );
  });

  test('shows headings of an empty table', () => {
    expect(table(['name', 'age'], [])).toBe('NAME   AGE');
  });
});

test.each([
  [0, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [7_200_000, '2h'],
  [172_800_000, '2d'],
  [-5_000, '0s'],
])('age of %d ms is %s', (elapsed, expected) => {
  expect(age(new Date(1e12).toISOString(), 1e12 + elapsed)).toBe(expected);
});

test('numbers and shares are short', () => {
  expect([significant(123_456), significant(0.000123456), significant(-1.5)]).toEqual([
    '123456',
    '0.000123',
    '-1.5',
  ]);
  expect(percent(0.1234)).toBe('12.3 %');
});
