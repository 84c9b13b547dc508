import { describe, expect, test } from '@jest/globals';
import { profileOf } from '../../test/tuning/profile.js';
import { defaultTuningRules, type TuningRule } from './tuning-rules.js';
import { validateManifest } from './validate.js';

const rule = {
  id: 'mine',
  parameter: 'annealT0',
  metric: 'energy_delta',
  when: 'above',
  enter: 2,
  exit: 1,
  action: { type: 'multiply', value: 1.5 },
};

function problems(spec: object): string[] {
  const result = validateManifest({
    apiVersion: 'memory.tori.dev/v1alpha1',
    kind: 'TuningProfile',
    metadata: { name: 'mine' },
    spec,
  });
  return result.ok ? [] : result.problems.map(({ path, reason }) => `${path}: ${reason}`);
}

describe('TuningProfile', () => {
  test('an empty spec is the table of the guide', () => {
    const spec = profileOf({});
    expect(spec).toMatchObject({ mode: 'Auto', scope: 'Stable' });
    expect(spec.rules).toEqual(defaultTuningRules);
    const range = ({ min, max }: { min: number; max: number }) => [min, max];
    expect(Object.values(spec.parameters).map(range)).toEqual([
      [0.25, 8],
      [1e-4, 0.1],
      [1e-5, 1e-2],
      [10, 100],
    ]);
  });

  test('a rule of few words gets the rest by default', () => {
    const [first] = profileOf({ rules: [rule] }).rules;
    expect(first).toEqual({
      ...rule,
      aggregate: 'mean',
      window: '168h',
      minSamples: 5,
      for: '0s',
      coolDown: '1h',
      priority: 0,
    } satisfies Record<keyof Omit<TuningRule, 'cycles' | 'skipBelow' | 'group' | 'objective'>, unknown>);
  });

  test('every default rule has one that moves its parameter back', () => {
    const raises = ({ action }: TuningRule) => action.type === 'multiply' || action.type === 'set';
    for (const parameter of ['annealT0', 'learningRate', 'l1Strength', 'dmdRank']) {
      const mine = defaultTuningRules.filter((one) => one.parameter === parameter);
      expect(mine.map(raises).sort()).toEqual([false, true]);
    }
  });

  test.each<[string, object]>([
    ['spec.mode: must be one of "Off", "Recommend", "Approve", "Auto"', { mode: 'On' }],
    ['spec.parameters.annealT0.min: min must be below max', { parameters: { annealT0: { min: 2, max: 1 } } }],
    [
      'spec.parameters.annealT0.start: start must lie between min and max',
      { parameters: { annealT0: { max: 1, start: 2 } } },
    ],
    ['spec.parameters.dmdRank.pin: must be of type integer', { parameters: { dmdRank: { pin: 50.5 } } }],
    ['spec.parameters.dmdRank.pin: must be at most 500', { parameters: { dmdRank: { pin: 501 } } }],
    [
      'spec.parameters.dmdRank.maxStep.absolute: absolute must be above 0 and at most max - min',
      { parameters: { dmdRank: { maxStep: { absolute: 91 } } } },
    ],
    [
      'spec.parameters.learningRate.maxStep: maxStep needs ratio or absolute',
      { parameters: { learningRate: { maxStep: {} } } },
    ],
    [
      'spec.parameters.learningRate.maxStep.ratio: ratio must be above 1',
      { parameters: { learningRate: { maxStep: { ratio: 1 } } } },
    ],
    [
      'spec.rules[0].exit: exit must lie inside enter: below it for above, above it for below',
      { rules: [{ ...rule, exit: 2 }] },
    ],
    [
      'spec.rules[0].exit: exit must lie inside enter: below it for above, above it for below',
      { rules: [{ ...rule, when: 'below' }] },
    ],
    ['spec.rules[0].cycles: cycles must not be less than minSamples', { rules: [{ ...rule, cycles: 4 }] }],
    [
      'spec.rules[0].window: window must be above 0 and at most 192h, for which samples are kept',
      { rules: [{ ...rule, window: '193h' }] },
    ],
    ['spec.rules[0].coolDown: coolDown must be above 0', { rules: [{ ...rule, coolDown: '0s' }] }],
    [
      'spec.rules[0].action.value: value is needed by multiply, divide and set, and not taken by relax',
      { rules: [{ ...rule, action: { type: 'multiply' } }] },
    ],
    [
      'spec.rules[0].action.value: the factor must be above 1',
      { rules: [{ ...rule, action: { type: 'divide', value: 0.5 } }] },
    ],
    [
      'spec.rules[0].objective.value: a relative change must not be negative',
      { rules: [{ ...rule, objective: { expect: 'decrease', value: -1 } }] },
    ],
    ['spec.rules[1]: duplicate: the list already has this id', { rules: [rule, rule] }],
    [
      'spec.rules[0].parameter: must be one of "annealT0", "learningRate", "l1Strength", "dmdRank"',
      { rules: [{ ...rule, parameter: 'kclL1Strength' }] },
    ],
    ['spec.proposalTtl: proposalTtl must be above 0', { proposalTtl: '0s' }],
    ['spec.rateLimit.per: per must be above 0', { rateLimit: { per: '0s' } }],
  ])('is refused: %s', (problem, spec) => {
    expect(problems(spec)).toContain(problem);
  });
});
