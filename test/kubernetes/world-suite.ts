import { expect } from '@jest/globals';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { describeWith } from '../harness/needs.js';
import { operatorMissing } from './operator.js';
import type { World } from './world.js';

/** `describe` for tests that start operators on a control plane of their own. */
export const worldSuite = describeWith(controlPlaneMissing() ?? operatorMissing());

/** Ends a suite's World. Whatever its tests were about, no status that was ever written in it may break the rules of kstatus. */
export async function endWorld(world: World): Promise<void> {
  const faults = world.statusFaults();
  await world.stop();
  expect(faults).toEqual([]);
}
