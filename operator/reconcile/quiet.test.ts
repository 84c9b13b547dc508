import { describe, expect, test } from '@jest/globals';
import type { MemoryCluster, MemoryClusterStatus } from '../api/memory-cluster.js';
import type { ParameterTuning, RuleStatus, TuningStatus } from '../api/tuning-status.js';
import { worthStoring } from './quiet.js';

const spec = { monitoring: { staleAfter: '2m' } } as MemoryCluster['spec'];
const start = Date.parse('2030-01-01T00:00:00.000Z');
const at = (minutes: number) => new Date(start + minutes * 60_000);

function tuning(minutes: number, rule: Partial<RuleStatus> = {}, value = 1): TuningStatus {
  const parameter: ParameterTuning = {
    value,
    source: 'Default',
    mode: 'Auto',
    state: { phase: 'Watching' },
    origin: 1,
    reversals: [],
  };
  return {
    evaluatedAt: at(minutes).toISOString(),
    sequence: 0,
    tuningGeneration: 0,
    parameters: { annealT0: parameter, learningRate: parameter, l1Strength: parameter, dmdRank: parameter },
    rules: { rule: { state: 'Idle', since: at(0).toISOString(), value: 0.5, ...rule } },
    recentChanges: [],
    adjustments: [],
  };
}

function status(of: TuningStatus, message = 'serves'): MemoryClusterStatus {
  return {
    observedGeneration: 1,
    phase: 'Ready',
    message,
    conditions: [],
    services: [],
    endpoints: {},
    tuning: of,
  };
}

const before = status(tuning(0));
const stored = (fresh: MemoryClusterStatus, minutes: number) =>
  worthStoring({ status: before, spec }, fresh, at(minutes));

describe('what of a status is worth a write', () => {
  test('a new time of evaluation alone never is', () => {
    expect(stored(status(tuning(60)), 60)).toBe(before);
  });

  test('new figures are after ten minutes', () => {
    const fresh = (minutes: number) => status(tuning(minutes, { value: 0.6 }));
    expect(stored(fresh(5), 5)).toBe(before);
    expect(stored(fresh(10), 10)).toEqual(fresh(10));
  });

  test('a change of the message, of a value or of a rule is at once', () => {
    for (const fresh of [
      status(tuning(1), 'else'),
      status(tuning(1, {}, 2)),
      status(tuning(1, { state: 'Pending', since: at(1).toISOString() })),
    ]) {
      expect(stored(fresh, 1)).toBe(fresh);
    }
  });

  test('a rule that holds is kept alive well within the pause that would end its hold', () => {
    const held = status(tuning(0, { state: 'Pending' }));
    const fresh = status(tuning(1, { state: 'Pending' }));
    expect(worthStoring({ status: held, spec }, fresh, at(0.5))).toBe(held);
    expect(worthStoring({ status: held, spec }, fresh, at(1))).toBe(fresh);
  });
});
