import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { gitLoop } from './git-loop.js';
import { World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

worldSuite('an operator beside GitOps tools', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start('processes');
    world.operator();
  });

  afterAll(() => endWorld(world));

  test('tunes through canaries while both apply the same manifests, and nobody sees a difference', async () => {
    const outcome = await gitLoop(world, { seconds: 30, every: 5 });
    expect(outcome).toMatchObject({ diffs: [], changes: [], trespasses: [], undone: [], generation: 1 });
    expect(outcome.rounds).toBeGreaterThan(3);
    expect(outcome.adjustments).toBeGreaterThan(0);
  }, 400_000);
});
