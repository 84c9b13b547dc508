import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { throughFaults } from './fault-run.js';
import { canaryWay } from './life.js';
import { World } from './world.js';
import { endWorld, worldSuite } from './world-suite.js';

worldSuite('an operator whose requests fail', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start('processes');
  });

  afterAll(() => endWorld(world));

  test('installs, promotes a canary and tunes, takes every step once, and loses no episode', async () => {
    const { way, load, struck, state } = await throughFaults(world, { seed: 7, rate: 0.15 });
    expect(way).toEqual(canaryWay);
    expect(load).toMatchObject({ found: load.acknowledged, equal: load.acknowledged, wrong: [] });
    expect(load.acknowledged).toBeGreaterThan(20);
    expect(Object.keys(struck).length).toBeGreaterThan(6);
    expect(state['status']).toMatchObject({
      phase: 'Ready',
      tuning: {
        adjustments: [
          { parameter: 'learningRate', before: 0.01, after: 0.02, outcome: 'Kept' },
          { parameter: 'learningRate', before: 0.02, after: 0.04, outcome: 'Kept' },
        ],
      },
      rollout: { state: 'Stable', history: [{ outcome: 'Promoted' }, { outcome: 'Promoted' }] },
    });
    expect(Object.keys(state).filter((child) => child.includes('canary'))).toEqual([]);
  }, 400_000);
});
