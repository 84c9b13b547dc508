import type { TuningStatus } from '../../operator/api/tuning-status.js';

const hour = 3_600_000;

/**
 * A tuning status with a parameter in each of four phases: on trial, cooling down after a change that was kept, with an
 * open proposal, and watching.
 * @param now epoch milliseconds
 */
export function tuningOf(now: number): TuningStatus {
  const at = (offset: number) => new Date(now + offset).toISOString();
  const evidence = {
    metric: 'consol_energy_drop_ratio',
    aggregate: 'mean',
    value: 0.031,
    standardError: 0.002,
    samples: 5,
    threshold: 0.05,
    heldSince: at(-hour),
  };
  const before = { value: 0.031, standardError: 0.002, samples: 5 };
  const calm = {
    metric: 'consol_energy_sign_changes_total',
    aggregate: 'perCycle',
    value: 0.7,
    threshold: 0.5,
  };
  return {
    evaluatedAt: at(-15_000),
    sequence: 3,
    tuningGeneration: 0,
    parameters: {
      annealT0: {
        value: 2.5,
        source: 'Tuner',
        mode: 'Auto',
        tuned: 2.5,
        origin: 2,
        reversals: [],
        state: {
          phase: 'OnTrial',
          trial: {
            adjustment: 'annealT0-1',
            rule: 'energy-drop-low',
            from: 2,
            to: 2.5,
            startedAt: at(-600_000),
            measureFrom: at(-600_000),
            coolDownUntil: at(50 * 60_000),
            before,
          },
        },
      },
      learningRate: {
        value: 0.005,
        source: 'Tuner',
        mode: 'Auto',
        tuned: 0.005,
        origin: 0.01,
        reversals: [],
        state: { phase: 'CoolingDown', until: at(20 * 60_000) },
      },
      l1Strength: {
        value: 0.001,
        source: 'Default',
        mode: 'Approve',
        origin: 0.001,
        reversals: [],
        state: {
          phase: 'Proposed',
          proposal: {
            id: 'l1Strength-3',
            rule: 'graph-growth-high',
            from: 0.001,
            to: 0.0015,
            uncapped: 0.0015,
            lower: 1e-5,
            upper: 1e-2,
            confidence: 0.97,
            evidence: { ...evidence, metric: 'edge_count', aggregate: 'growthPerWeek', value: 0.09 },
            createdAt: at(-hour),
            expiresAt: at(23 * hour),
          },
        },
      },
      dmdRank: {
        value: 50,
        source: 'Default',
        mode: 'Auto',
        origin: 50,
        reversals: [],
        state: { phase: 'Watching' },
      },
    },
    rules: {
      'energy-drop-low': { state: 'Firing', since: at(-hour), value: 0.031 },
      'settle-loops-high': { state: 'Idle', since: at(-9 * hour), value: 12.4 },
      'energy-calm': { state: 'Idle', since: at(-hour), value: 0.7 },
      'graph-growth-high': { state: 'Firing', since: at(-2 * hour), value: 0.09 },
      'psi-drift-high': { state: 'NoData', since: at(-hour), reason: '2 of 3 sleep cycles in the window' },
      'psi-drift-low': {
        state: 'Pending',
        since: at(-hour),
        value: 0.1,
        exhausted: { value: 0.11, until: at(9 * hour) },
      },
    },
    recentChanges: [at(-600_000)],
    adjustments: [
      {
        id: 'learningRate-2',
        at: at(-2 * hour),
        parameter: 'learningRate',
        rule: 'energy-oscillates',
        actor: 'tuner',
        before: 0.01,
        after: 0.005,
        evidence: { ...evidence, ...calm },
        outcome: 'Kept',
        settledAt: at(-hour),
        objective: {
          metric: 'consol_energy_sign_changes_total',
          before: { value: 0.7, standardError: 0.1, samples: 10 },
          after: { value: 0.2, standardError: 0.1, samples: 10 },
        },
      },
      {
        id: 'annealT0-1',
        at: at(-600_000),
        parameter: 'annealT0',
        rule: 'energy-drop-low',
        actor: 'tuner',
        before: 2,
        after: 2.5,
        evidence,
        outcome: 'OnTrial',
      },
    ],
  };
}
