import { describe, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { moments } from './kill-proxy.js';
import { stories } from './kills.js';
import { operatorMissing } from './operator.js';

const missing = controlPlaneMissing() ?? operatorMissing();
const suite = missing === undefined ? describe : describe.skip;

/** The acceptance program kills at every moment of every state; here each state has one of the moments. */
suite(
  `an operator that is killed at every transition${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    test.each([['promoted' as const], ['tuned' as const]])(
      'goes through the same states to the same end as one that is not: %s',
      async (name) => {
        const undisturbed = await stories[name](() => undefined);
        const killed = await stories[name]((index) => moments[index % moments.length]);
        expect(killed.kills.length).toBeGreaterThanOrEqual(5);
        expect(killed.states).toEqual(undisturbed.states);
        expect(killed.end).toEqual(undisturbed.end);
      },
      900_000,
    );
  },
);
