import { describe, expect, test } from '@jest/globals';
import { refusalOf } from './acceptance.js';
import type { LearnOutcome } from './domain/learn-types.js';

const nothing = new Float32Array();
const outcome: LearnOutcome = {
  delta: {
    episodes: 0,
    nodeIds: new Uint32Array(),
    nodeCounts: nothing,
    edgeA: new Uint32Array(),
    edgeB: new Uint32Array(),
    edgeWeights: nothing,
    edgeSupport: nothing,
  },
  energyBefore: -10,
  energyAfter: -12,
  completionBefore: 0.4,
  completionAfter: 0.41,
  energyDropRatio: 0.5,
  settleLoops: 30,
  edgesChanged: 1,
};

describe('refusalOf', () => {
  test.each([
    ['lower energy and better completion', {}, undefined],
    ['nothing changed', { energyAfter: -10, completionAfter: 0.4 }, undefined],
    ['completion worse by chance', { completionAfter: 0.391 }, undefined],
    ['higher energy', { energyAfter: -9 }, 'energy of held-out episodes rose'],
    ['worse completion', { completionAfter: 0.38 }, 'completion of held-out episodes fell'],
    ['a result that is no number', { energyAfter: NaN }, 'not finite'],
  ])('%s', (...[, change, reason]) => {
    const refusal = refusalOf({ ...outcome, ...change });
    if (reason === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(reason);
  });
});
