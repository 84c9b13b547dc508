import { describe, expect, test } from '@jest/globals';
import { simulatePlants } from './simulate.js';

describe('the tuner on random plants', () => {
  const reports = simulatePlants(60);

  test('breaks no bound and no step, and turns a parameter at most twice in 20 cool-downs', () => {
    expect(reports.flatMap(({ seed, broken }) => broken.map((what) => `plant ${seed}: ${what}`))).toEqual([]);
  });

  test('is put to the test: most plants are moved, some trials fail, some parameters swing', () => {
    expect(reports.filter(({ changes }) => changes > 0).length).toBeGreaterThan(30);
    expect(reports.filter(({ reverted }) => reverted > 0).length).toBeGreaterThan(10);
    expect(reports.filter(({ oscillating }) => oscillating > 0).length).toBeGreaterThan(5);
  });
});
