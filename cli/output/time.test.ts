import { expect, test } from '@jest/globals';
import { relative, span } from './time.js';
import { columns, treeLines } from './tree.js';

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [190_000, '3m10s'],
  [3_600_000, '1h'],
  [172_740_000, '47h59m'],
  [266_400_000, '3d2h'],
  [-5, '0s'],
])('%d ms is %s', (milliseconds, expected) => {
  expect(span(milliseconds)).toBe(expected);
});

test('an instant ahead has its time, one behind its age', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(relative('2026-01-01T00:01:30.123Z', now)).toBe('in 1m30s (2026-01-01T00:01:30Z)');
  expect(relative('2025-12-31T23:59:00Z', now)).toBe('1m ago');
});

test('a tree draws its branches', () => {
  const tree = { text: 'a', children: [{ text: 'b', children: [{ text: 'c' }] }, { text: 'd' }] };
  expect(treeLines(tree)).toEqual(['a', '├─ b', '│  └─ c', '└─ d']);
});

test('columns are as wide as their widest text', () => {
  expect(
    columns([
      ['a', 'bb', 'c'],
      ['aaa', 'b', ''],
    ]),
  ).toEqual(['a    bb  c', 'aaa  b']);
});
