import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { profileOf } from '../../test/tuning/profile.js';
import { Scenario, type Night } from '../../test/tuning/scenario.js';
import { tune, type TuneInput, type TuningCommand } from './tune.js';

const quiet: Night = { drop: 0.3, loops: 20, edges: 1000, drift: 0.15, effectiveRank: 60 };
const flat: Night = { ...quiet, drop: 0.02 };

/** Only the rule that raises T0, so that nothing else moves. */
const [raise] = profileOf({}).rules.filter(({ id }) => id === 'energy-drop-low');
const only = (spec: object = {}) => profileOf({ rules: [raise], ...spec });

let scenario: Scenario;
const open = async (profile = only()) => {
  scenario = await Scenario.open(profile);
};
beforeEach(() => open());
afterEach(() => scenario.close());

/** Flat nights until the rule acts. */
const untilChange = async (change: Partial<TuneInput> = {}) => {
  await scenario.nights(5, '10m', flat);
  return scenario.evaluate(change);
};

/** What a person asks for now, of the first proposal. */
const asked = (action: 'approve' | 'reject'): TuningCommand => ({
  uid: `${action}-1`,
  action,
  proposal: 'annealT0-1',
  by: 'ada',
  askedAt: scenario.now,
});

describe('a trial', () => {
  test('is kept when its objective has gained enough', async () => {
    await untilChange();
    expect(scenario.value('annealT0')).toBe(2.5);
    await scenario.nights(5, '1m', { ...quiet, drop: 0.03 });
    expect((await scenario.evaluate()).adjustments).toEqual([]);
    await scenario.night('1m', { ...quiet, drop: 0.03 });
    const { adjustments } = await scenario.evaluate();
    expect(adjustments).toMatchObject([
      { id: 'annealT0-1', outcome: 'Kept', objective: { before: { value: 0.02 }, after: { value: 0.03 } } },
    ]);
    expect(scenario.value('annealT0')).toBe(2.5);
  });

  test('is reverted when it has gained nothing, and not tried again until things are worse', async () => {
    await untilChange();
    await scenario.nights(6, '10m', flat);
    const { adjustments, status } = await scenario.evaluate();
    expect(adjustments).toMatchObject([{ outcome: 'Reverted', before: 2, after: 2.5 }]);
    expect(scenario.value('annealT0')).toBe(2);
    expect(status.parameters.annealT0.state.phase).toBe('CoolingDown');

    await scenario.nights(12, '10m', flat);
    const later = await scenario.evaluate();
    expect(later.status.rules['energy-drop-low']).toMatchObject({
      state: 'Firing',
      reason: 'acting at 0.02 gained nothing',
    });
    expect(scenario.value('annealT0')).toBe(2);

    await scenario.nights(6, '10m', { ...quiet, drop: 0.001 });
    await scenario.evaluate();
    // One turn is spent on the revert; another raise would need two more, for itself and for its own revert.
    expect(scenario.phase('annealT0')).toBe('Oscillating');
    expect(scenario.value('annealT0')).toBe(2);
  });

  test('stays open while its metric is missing', async () => {
    await untilChange();
    await scenario.nights(6, '10m', flat);
    scenario.pass('10m');
    const { adjustments, conditions } = await scenario.evaluate();
    expect(adjustments).toEqual([]);
    expect(scenario.phase('annealT0')).toBe('OnTrial');
    expect(conditions).toMatchObject([{ type: 'MetricsStale', status: 'True' }]);
  });

  test('keeps the cool-down: the next change waits for it and for new cycles', async () => {
    await untilChange();
    await scenario.nights(6, '1m', { ...quiet, drop: 0.03 });
    await scenario.evaluate();
    expect(scenario.phase('annealT0')).toBe('CoolingDown');
    await scenario.nights(3, '10m', { ...quiet, drop: 0.03 });
    await scenario.evaluate();
    expect(scenario.value('annealT0')).toBe(2.5);
    await scenario.nights(3, '10m', { ...quiet, drop: 0.03 });
    await scenario.evaluate();
    expect(scenario.value('annealT0')).toBe(3.125);
  });

  test('holds its exclusion group', async () => {
    await open(profileOf({}));
    await scenario.nights(11, '10m', flat);
    await scenario.evaluate();
    expect(scenario.value('annealT0')).toBe(2.5);
    expect(scenario.value('learningRate')).toBe(0.01);
    expect(scenario.status?.rules['energy-calm']).toMatchObject({
      reason: 'a change of annealT0 is on trial',
    });
  });
});

describe('modes', () => {
  test('Off does nothing', async () => {
    await open(only({ parameters: { annealT0: { mode: 'Off' } } }));
    await untilChange();
    expect(scenario.phase('annealT0')).toBe('Off');
    expect(scenario.status?.rules).toEqual({});
  });

  test('Recommend proposes, with limits, confidence and expiry, and takes no approval', async () => {
    await open(only({ mode: 'Recommend', proposalTtl: '2h' }));
    const { proposals } = await untilChange();
    expect(proposals).toMatchObject([
      { id: 'annealT0-1', parameter: 'annealT0', from: 2, to: 2.5, lower: 0.25, upper: 8, confidence: 1 },
    ]);
    const commands = [asked('approve')];
    const { answers } = await scenario.evaluate({ commands });
    expect(answers).toEqual([
      { uid: 'approve-1', accepted: false, message: 'annealT0 is in mode Recommend; expected Approve' },
    ]);
    for (let i = 0; i < 10; i++) {
      await scenario.night('15m', flat);
      await scenario.evaluate();
    }
    const renewed = await scenario.evaluate();
    expect(renewed.proposals).toMatchObject([{ id: 'annealT0-2' }]);
    expect(scenario.value('annealT0')).toBe(2);
  });

  test('Approve waits; an approval is a trial by its name, and once only', async () => {
    await open(only({ mode: 'Approve' }));
    await untilChange();
    const commands = [asked('approve')];
    const { answers, adjustments } = await scenario.evaluate({ commands });
    expect(answers).toMatchObject([{ accepted: true }]);
    expect(adjustments).toMatchObject([{ id: 'annealT0-1', actor: 'ada', outcome: 'OnTrial' }]);
    expect(scenario.value('annealT0')).toBe(2.5);
    const again = await scenario.evaluate({ commands });
    expect(again.answers).toMatchObject([{ accepted: true, message: 'done already; outcome OnTrial' }]);
    expect(again.adjustments).toEqual([]);
  });

  test('nothing is approved while metrics are stale, and the proposal waits for fresh ones', async () => {
    await open(only({ mode: 'Approve' }));
    await untilChange();
    const commands = [asked('approve')];
    scenario.pass('5m');
    const { answers, proposals } = await scenario.evaluate({ commands });
    expect(answers).toMatchObject([
      { accepted: false, message: expect.stringMatching(/^rule \S+ has no fresh metrics to judge by/) },
    ]);
    expect(proposals).toMatchObject([{ id: 'annealT0-1' }]);
    await scenario.scrape();
    expect((await scenario.evaluate({ commands })).answers).toMatchObject([{ accepted: true }]);
  });

  test('an approval that comes while metrics are stale is answered when they are there again', async () => {
    await open(only({ mode: 'Approve' }));
    await untilChange();
    scenario.pass('5m');
    const [approval, rejection] = [asked('approve'), asked('reject')];
    expect((await scenario.evaluate({ commands: [approval] })).answers).toEqual([]);
    await scenario.scrape();
    const { answers } = await scenario.evaluate({ commands: [approval, rejection] });
    expect(answers).toMatchObject([
      { uid: approval.uid, accepted: true },
      { uid: rejection.uid, accepted: false },
    ]);
  });

  test('a rejected proposal leaves the value and rests for the cool-down', async () => {
    await open(only({ mode: 'Approve' }));
    await untilChange();
    const commands = [asked('reject')];
    const { answers, proposals } = await scenario.evaluate({ commands });
    expect(answers).toMatchObject([{ accepted: true, message: 'annealT0 stays at 2' }]);
    expect(proposals).toEqual([]);
    expect(scenario.phase('annealT0')).toBe('CoolingDown');
    expect((await scenario.evaluate({ commands: [asked('approve')] })).answers).toMatchObject([
      { accepted: false, message: 'it was decided already; outcome Rejected' },
    ]);
  });

  test('a proposal goes when its rule lets go', async () => {
    await open(only({ mode: 'Approve' }));
    await untilChange();
    await scenario.nights(5, '10m', quiet);
    expect((await scenario.evaluate()).proposals).toEqual([]);
    const commands = [asked('approve')];
    expect((await scenario.evaluate({ commands })).answers).toMatchObject([{ accepted: false }]);
  });
});

describe('what people say', () => {
  test.each(['Pin', 'Spec'] as const)('%s holds the value and ends a trial at once', async (source) => {
    await untilChange();
    scenario.held = { annealT0: { value: 3, source } };
    const { adjustments } = await scenario.evaluate();
    expect(adjustments).toMatchObject([{ outcome: 'Interrupted' }]);
    expect(scenario.status?.parameters.annealT0).toMatchObject({
      value: 3,
      state: { phase: 'Held', by: source },
    });
    await scenario.nights(6, '10m', flat);
    expect((await scenario.evaluate()).adjustments).toEqual([]);
    scenario.held = {};
    await scenario.evaluate();
    expect(scenario.phase('annealT0')).toBe('Watching');
    expect(scenario.value('annealT0')).toBe(2);
  });

  test('a narrowed range holds at once', async () => {
    await untilChange();
    const profile = only({ parameters: { annealT0: { max: 2.2 } } });
    const { adjustments } = await scenario.evaluate({ profile });
    expect(adjustments).toMatchObject([
      { outcome: 'Interrupted' },
      { rule: 'range', before: 2.5, after: 2.2, outcome: 'Bounded' },
    ]);
    expect(scenario.value('annealT0')).toBe(2.2);
  });
});

describe('guards', () => {
  test('nothing changes while frozen, and evidence begins anew afterwards', async () => {
    const { conditions } = await untilChange({ frozen: 'a rollout is under way' });
    expect(conditions).toMatchObject([{ type: 'TuningFrozen' }]);
    expect(scenario.value('annealT0')).toBe(2);
    await scenario.night('10m', flat);
    await scenario.evaluate();
    expect(scenario.value('annealT0')).toBe(2);
    await scenario.nights(5, '10m', flat);
    await scenario.evaluate();
    expect(scenario.value('annealT0')).toBe(2.5);
  });

  test('missing samples change nothing and say so', async () => {
    await scenario.nights(5, '10m', flat);
    const { samples } = await scenario.input();
    const { conditions, adjustments } = await scenario.evaluate({
      samples: { ...samples, consol_energy_drop_ratio: [] },
    });
    expect(adjustments).toEqual([]);
    expect(conditions).toMatchObject([
      {
        type: 'MetricsStale',
        message: 'Tuning holds the last values: consol_energy_drop_ratio has no samples.',
      },
    ]);
  });

  test('a source that fails changes nothing and says why', async () => {
    await scenario.nights(5, '10m', flat);
    const { samples } = await scenario.input();
    const failed = { error: 'prometheus http://metrics: no answer within 5000 ms' };
    const { conditions, adjustments } = await scenario.evaluate({
      samples: Object.fromEntries(Object.keys(samples).map((metric) => [metric, failed])),
    });
    expect(adjustments).toEqual([]);
    expect(conditions).toMatchObject([
      {
        type: 'MetricsStale',
        message: `Tuning holds the last values: the source failed: ${failed.error}.`,
      },
    ]);
  });

  test('several series are not one number', async () => {
    await scenario.nights(5, '10m', flat);
    const { samples } = await scenario.input();
    const drops = samples['consol_energy_drop_ratio'] ?? [];
    const [one] = 'error' in drops ? [] : drops;
    await scenario.evaluate({ samples: { ...samples, consol_energy_drop_ratio: [one!, one!] } });
    expect(scenario.status?.rules['energy-drop-low']).toMatchObject({
      state: 'NoData',
      reason: 'consol_energy_drop_ratio has 2 series, which are not one number',
    });
  });

  test('a service that starts again gives no evidence before its first cycle', async () => {
    await scenario.nights(4, '10m', quiet);
    scenario.restart();
    for (let i = 0; i < 10; i++) await scenario.scrape();
    await scenario.nights(4, '10m', quiet);
    await scenario.evaluate();
    expect(scenario.status?.rules['energy-drop-low']).toMatchObject({ state: 'Idle', value: 0.3 });
  });

  test('the rate limit holds for all parameters together', async () => {
    await open(profileOf({ rateLimit: { changes: 1, per: '24h' } }));
    await scenario.nights(5, '10m', { ...flat, drift: 0.3 });
    await scenario.evaluate();
    expect(scenario.status?.adjustments).toHaveLength(1);
    expect(scenario.status?.rules['psi-drift-high']).toMatchObject({
      reason: 'the rate limit of 1 changes in 24h is reached',
    });
  });

  test('a hold time that the tuner slept through begins again', async () => {
    await open(profileOf({ rules: [{ ...raise, for: '10m' }] }));
    await scenario.nights(5, '10m', flat);
    await scenario.evaluate();
    await scenario.night('10m', flat);
    await scenario.evaluate();
    expect(scenario.status?.rules['energy-drop-low']).toMatchObject({ state: 'Pending' });
    await scenario.watch('11m');
    expect(scenario.value('annealT0')).toBe(2.5);
  });
});

describe('canary first', () => {
  const change = async () => {
    await open(only({ scope: 'CanaryFirst' }));
    return untilChange();
  };

  test('asks for a canary and leaves stable alone until it is promoted', async () => {
    const { canary } = await change();
    expect(canary).toEqual({ tuningGeneration: 1, parameters: { annealT0: 2.5 } });
    expect(scenario.value('annealT0')).toBe(2);
    expect((await scenario.evaluate()).canary).toEqual(canary);
    const done = await scenario.evaluate({ canary: { tuningGeneration: 1, outcome: 'Promoted' } });
    expect(done.canary).toBeUndefined();
    expect(done.adjustments).toMatchObject([{ outcome: 'Kept' }]);
    expect(scenario.value('annealT0')).toBe(2.5);
  });

  test.each([
    ['RolledBack', 'Reverted'],
    ['Superseded', 'Interrupted'],
  ] as const)('%s leaves the value as it was', async (outcome, recorded) => {
    await change();
    const { adjustments } = await scenario.evaluate({ canary: { tuningGeneration: 1, outcome } });
    expect(adjustments).toMatchObject([{ outcome: recorded }]);
    expect(scenario.value('annealT0')).toBe(2);
    expect(scenario.phase('annealT0')).toBe('CoolingDown');
  });

  test('the outcome of another generation decides nothing', async () => {
    await change();
    await scenario.evaluate({ canary: { tuningGeneration: 7, outcome: 'Promoted' } });
    expect(scenario.phase('annealT0')).toBe('OnCanary');
  });
});

describe('a kill between any two evaluations', () => {
  test('changes nothing: all memory is in the status, as JSON', async () => {
    await open(profileOf({}));
    for (let i = 0; i < 40; i++) {
      const turned = i % 3 === 0;
      await scenario.night('10m', { ...quiet, drop: 0.02 + 0.001 * i, loops: 60 - i, drift: 0.3, turned });
      const input = await scenario.input();
      const { status } = input;
      const killed = status && (JSON.parse(JSON.stringify(status)) as typeof status);
      expect(tune({ ...input, status: killed })).toEqual(await scenario.evaluate());
    }
    expect(scenario.status?.adjustments.length).toBeGreaterThan(3);
  });

  test('an evaluation that was repeated does the same again', async () => {
    await scenario.nights(5, '10m', flat);
    const input = await scenario.input();
    expect(tune(input)).toEqual(tune(input));
  });
});
