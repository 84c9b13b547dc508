import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { gitLoop } from './git-loop.js';
import { operatorMissing } from './operator.js';
import { World } from './world.js';
import { describeWith } from '../harness/needs.js';

const missing = controlPlaneMissing() ?? operatorMissing();
const suite = describeWith(missing);

suite('an operator beside GitOps tools', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start('processes');
    world.operator();
  });

  afterAll(async () => {
    const faults = world.statusFaults();
    await world.stop();
    expect(faults).toEqual([]);
  });

  test('tunes through canaries while both apply the same manifests, and nobody sees a difference', async () => {
    const outcome = await gitLoop(world, { seconds: 30, every: 5 });
    expect(outcome).toMatchObject({ diffs: [], changes: [], trespasses: [], undone: [], generation: 1 });
    expect(outcome.rounds).toBeGreaterThan(3);
    expect(outcome.adjustments).toBeGreaterThan(0);
  }, 400_000);
});
