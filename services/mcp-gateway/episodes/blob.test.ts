import { describe, expect, test } from '@jest/globals';
import { Episode } from '../../../proto/gen/tori/memory/v1/types.js';
import { encodeActivations, sparseVector } from '../../common/activations/activations.js';
import { parseBlob } from './blob.js';

const episode: Episode = {
  id: 'e-1',
  timeUnixMs: 5,
  source: 's',
  meta: { k: 'v' },
  activations: encodeActivations(
    sparseVector([
      [3, 0.5],
      [1, 1],
    ]),
  ),
};
const message = Buffer.from(Episode.encode(episode).finish()).toString('base64');

describe('parseBlob', () => {
  test('an Episode message', () => {
    const parsed = parseBlob(message);
    expect(parsed).toMatchObject({
      kind: 'message',
      episode: { id: 'e-1', timeUnixMs: 5, meta: { k: 'v' } },
    });
  });

  test('an object', () => {
    expect(parseBlob({ concepts: { tea: 1, constructor: 2 } })).toEqual({
      kind: 'concepts',
      concepts: new Map([
        ['tea', 1],
        ['constructor', 2],
      ]),
    });
  });

  // Words of four letters are base64, too.
  test.each(['food', 'The green tea tastes better than coffee.'])('text: %s', (text) => {
    const parsed = parseBlob(text);
    expect(parsed.kind).toBe('concepts');
    expect(parsed.kind === 'concepts' && parsed.concepts.size).toBeGreaterThan(0);
  });

  test.each([
    ['a broken message', 'AAAA'.repeat(20), /^episodeBlob: .* is not accepted; expected text, base64/],
    ['text that says nothing', '... !', /^episodeBlob: .*at least one content word/],
    ['no concepts', { concepts: {} }, /^episodeBlob\.concepts: .*at least one concept/],
    [
      'an activation beyond f32',
      { concepts: { tea: 1e39 } },
      /^episodeBlob\.concepts\.tea: 1e\+39 is not accepted; .*32-bit/,
    ],
    ['an activation below f32', { concepts: { tea: 1e-60 } }, /^episodeBlob\.concepts\.tea: 1e-60 /],
    ['NaN', { concepts: { tea: NaN } }, /^episodeBlob\.concepts\.tea: NaN /],
  ])('refuses %s', (_, blob, message) => {
    expect(() => parseBlob(blob)).toThrow(message);
  });
});
