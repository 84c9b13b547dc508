import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentDigest, sameContent, shortestFloat32 } from './episode.js';

const content = {
  timeUnixMs: undefined,
  source: 's',
  meta: { a: '1', b: '2' },
  concepts: new Map([
    ['x', 0.1],
    ['y', 2],
  ]),
};

describe('contentDigest', () => {
  test('does not depend on order, and takes activations as the f32 that is stored', () => {
    const shuffled = {
      ...content,
      meta: { b: '2', a: '1' },
      concepts: new Map([
        ['y', 2],
        ['x', Math.fround(0.1)],
      ]),
    };
    expect(contentDigest(shuffled)).toBe(contentDigest(content));
  });

  test.each([
    ['time', { timeUnixMs: 1 }],
    ['source', { source: 't' }],
    ['label', { meta: { a: '1', b: '3' } }],
    [
      'activation',
      {
        concepts: new Map([
          ['x', 0.2],
          ['y', 2],
        ]),
      },
    ],
    [
      'name',
      {
        concepts: new Map([
          ['x', 0.1],
          ['z', 2],
        ]),
      },
    ],
  ])('depends on the %s', (_, change) => {
    expect(contentDigest({ ...content, ...change })).not.toBe(contentDigest(content));
  });
});

test('times count only where they are compared', () => {
  const one = { ...content, id: 'e', timeUnixMs: 1 };
  const later = { ...one, timeUnixMs: 2 };
  expect([sameContent(one, later, true), sameContent(one, later, false)]).toEqual([false, true]);
});

test('shortestFloat32 is the same f32, and gives back what people write', () => {
  fc.assert(
    fc.property(fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(shortestFloat32(value))).toBe(value);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (digits, shift) => {
      const written = Number(`${digits}e-${shift}`);
      expect(shortestFloat32(Math.fround(written))).toBe(written);
    }),
  );
});
