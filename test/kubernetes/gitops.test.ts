import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { gitLoop } from './git-loop.js';
import { operatorMissing } from './operator.js';
import { World } from './world.js';

const missing = controlPlaneMissing() ?? operatorMissing();
const suite = missing === undefined ? describe : describe.skip;

suite(`an operator beside GitOps tools${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
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
