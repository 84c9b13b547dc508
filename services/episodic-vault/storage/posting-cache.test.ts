import { expect, test } from '@jest/globals';
import { PostingCache } from './posting-cache.js';

const posting = (length: number) => ({ offsets: new Uint16Array(length), values: new Float32Array(length) });

test('reads a posting once while it is in use, an absent one too, each tenant and segment for itself', () => {
  const cache = new PostingCache(1e6);
  const reads: string[] = [];
  const get = (tenant: string, segment: number, concept: number) =>
    cache.get(tenant, segment, concept, () => {
      reads.push(`${tenant} ${segment} ${concept}`);
      return concept === 9 ? undefined : posting(segment + 1);
    });
  for (let round = 0; round < 2; round++) {
    expect(get('a', 0, 1)?.offsets).toHaveLength(1);
    expect(get('a', 1, 1)?.offsets).toHaveLength(2);
    expect(get('b', 0, 1)?.offsets).toHaveLength(1);
    expect(get('a', 0, 9)).toBeUndefined();
  }
  expect(reads).toEqual(['a 0 1', 'a 1 1', 'b 0 1', 'a 0 9']);
});

test('forgets what was not used for a while, and keeps what is', () => {
  // Each posting takes 800 bytes, so a generation holds five.
  const cache = new PostingCache(8_000);
  const reads: number[] = [];
  const get = (concept: number) =>
    cache.get('a', 0, concept, () => {
      reads.push(concept);
      return concept === 1 ? undefined : posting(100);
    });
  for (let concept = 10; concept < 40; concept++) {
    get(0);
    get(1);
    get(concept);
  }
  expect(reads.filter((concept) => concept < 2)).toEqual([0, 1]);
  get(10);
  expect(reads.filter((concept) => concept === 10)).toHaveLength(2);
});
