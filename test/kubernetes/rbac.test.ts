import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlPlaneMissing } from '../cluster/binaries.js';
import { operatorMissing } from './operator.js';
import { grantedRights } from './rights.js';
import { finalizers, RightsLab } from './rights-lab.js';
import { describeWith } from '../harness/needs.js';

const missing = controlPlaneMissing() ?? operatorMissing();
const suite = describeWith(missing);

suite(`the operator under the chart's roles`, () => {
  let lab: RightsLab;
  beforeAll(async () => {
    lab = await RightsLab.start();
  });
  afterAll(() => lab.stop());

  // `npm run acceptance -- 2 rbac` also takes each right away in turn.
  test('uses every right that it is granted, and is refused nothing', async () => {
    const { used, denied } = await lab.lap();
    expect([...denied]).toEqual([]);
    expect(grantedRights(lab.role).filter((right) => !used.has(right))).toEqual([finalizers]);
  }, 600_000);
});
