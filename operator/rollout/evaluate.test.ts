import { describe, expect, test } from '@jest/globals';
import { servingWorld, specOf } from '../../test/rollout/world.js';
import type { MetricSpec } from '../api/rollout-spec.js';
import type { BudgetBucket, Run } from '../api/rollout-status.js';
import { record, spent } from './budget.js';
import { evaluate, nextCheck } from './evaluate.js';
import { judge, type Circumstances } from './judge.js';
import type { Histogram, Mean, MetricObservation, Proportion } from './observation.js';

const now = new Date('2026-01-01T12:00:00.000Z');
const circumstances: Circumstances = { now, staleAfterMs: 60_000, confidence: 0.99, alone: false };
const fresh = { at: '2026-01-01T11:59:50.000Z', series: 1 };

const proportion = (failures: number, total: number): Proportion => ({ kind: 'proportion', failures, total });
/** Requests of which `slow` took more than 100 ms and at most 1 s. */
const latency = (total: number, slow: number): Histogram => ({
  kind: 'histogram',
  buckets: [
    { le: 0.05, count: total - slow },
    { le: 0.1, count: total - slow },
    { le: 1, count: total },
    { le: Infinity, count: total },
  ],
});
const mean = (values: readonly number[]): Mean => ({
  kind: 'mean',
  count: values.length,
  sum: values.reduce((sum, value) => sum + value, 0),
  sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
});
const metric = (name: MetricSpec['name'], more: Partial<MetricSpec> = {}): MetricSpec => ({
  name,
  tolerance: 0.01,
  onNoData: 'inconclusive',
  dryRun: false,
  ...more,
});

describe('one metric', () => {
  const error = metric('errorRatio', { limit: 0.2 });
  const table: [string, MetricSpec, MetricObservation | undefined, string, string][] = [
    ['nothing', error, undefined, 'inconclusive', 'noData'],
    ['an error of the source', error, { error: 'refused' }, 'inconclusive', 'provider'],
    [
      'several series',
      error,
      { ...fresh, series: 2, stable: proportion(0, 9), canary: proportion(9, 9) },
      'inconclusive',
      'provider',
    ],
    [
      'a stale breach',
      error,
      { at: '2026-01-01T11:00:00.000Z', series: 1, canary: proportion(90, 90) },
      'inconclusive',
      'stale',
    ],
    ['no canary', error, { ...fresh, stable: proportion(0, 90) }, 'inconclusive', 'noData'],
    [
      'NaN',
      error,
      { ...fresh, stable: proportion(0, 90), canary: proportion(NaN, NaN) },
      'inconclusive',
      'noData',
    ],
    ['more failures than trials', error, { ...fresh, canary: proportion(5, 3) }, 'inconclusive', 'noData'],
    ['the wrong kind of evidence', error, { ...fresh, canary: mean([1, 2]) }, 'inconclusive', 'noData'],
    ['no data that passes', { ...error, onNoData: 'pass' }, { ...fresh }, 'pass', 'noData'],
    ['no data that fails', { ...error, onNoData: 'fail' }, { ...fresh }, 'fail', 'noData'],
    [
      'a certain breach of the limit',
      error,
      { ...fresh, stable: proportion(40, 90), canary: proportion(40, 90) },
      'fail',
      'limit',
    ],
    [
      'a breach by chance',
      { ...error, tolerance: 1 },
      { ...fresh, stable: proportion(0, 90), canary: proportion(1, 4) },
      'pass',
      'comparison',
    ],
    [
      'equal shares of unequal counts',
      error,
      { ...fresh, stable: proportion(100, 100_000), canary: proportion(1, 1_000) },
      'pass',
      'comparison',
    ],
    [
      'certainly worse',
      error,
      { ...fresh, stable: proportion(100, 100_000), canary: proportion(50, 1_000) },
      'fail',
      'comparison',
    ],
    [
      'perhaps worse',
      error,
      { ...fresh, stable: proportion(100, 100_000), canary: proportion(1, 20) },
      'inconclusive',
      'comparison',
    ],
    [
      'one mismatch',
      metric('mismatchRatio', { limit: 0, tolerance: 0 }),
      { ...fresh, stable: proportion(0, 9_000), canary: proportion(1, 90_000) },
      'fail',
      'limit',
    ],
    [
      'equally fast',
      metric('latencyP99', { tolerance: 0.5 }),
      { ...fresh, stable: latency(10_000, 50), canary: latency(100, 0) },
      'pass',
      'comparison',
    ],
    [
      'a slower tail',
      metric('latencyP99', { tolerance: 0.5 }),
      { ...fresh, stable: latency(10_000, 50), canary: latency(1_000, 60) },
      'fail',
      'comparison',
    ],
    [
      'a p99 past its limit',
      metric('latencyP99', { limit: 0.1, tolerance: 100 }),
      { ...fresh, stable: latency(1_000, 500), canary: latency(1_000, 500) },
      'fail',
      'limit',
    ],
    [
      'a completion as good',
      metric('completion', { tolerance: 0.05 }),
      { ...fresh, stable: mean([0.2, 0.3, 0.25, 0.22]), canary: mean([0.24, 0.26, 0.21, 0.27]) },
      'pass',
      'comparison',
    ],
    [
      'a completion that broke down',
      metric('completion', { tolerance: 0.05 }),
      { ...fresh, stable: mean([0.5, 0.52, 0.49, 0.51, 0.5]), canary: mean([0.1, 0.12, 0.09, 0.11, 0.1]) },
      'fail',
      'comparison',
    ],
    [
      'a single sleep',
      metric('energyDrop'),
      { ...fresh, stable: mean([0.3, 0.2]), canary: mean([0.1]) },
      'inconclusive',
      'noData',
    ],
    [
      'a mean certainly under its floor',
      metric('completion', { limit: 0.3, tolerance: 1 }),
      { ...fresh, canary: mean([0.1, 0.11, 0.12, 0.1, 0.1]) },
      'fail',
      'limit',
    ],
  ];

  test.each(table)('%s', (...[, spec, observed, verdict, cause]) => {
    const judged = judge(spec, observed, circumstances);
    expect([judged.judgement.verdict, judged.cause]).toEqual([verdict, cause]);
    expect(judged.judgement.reason).not.toBe('');
  });

  test('a canary that has every key is held to the limits alone', () => {
    const alone = { ...circumstances, alone: true };
    const failing = { ...fresh, stable: proportion(0, 5), canary: proportion(15, 100) };
    expect(judge(error, failing, alone).judgement.verdict).toBe('pass');
    expect(judge(error, { ...fresh, canary: proportion(60, 100) }, alone)).toMatchObject({ cause: 'limit' });
  });
});

const { analysis } = specOf(0.01, {
  analysis: {
    metrics: [
      { name: 'errorRatio', limit: 0.5, tolerance: 0.01 },
      { name: 'latencyP99', dryRun: true },
    ],
  },
}).rollout;

function runOf(): Run {
  const world = servingWorld();
  world.wish = { spec: specOf(0.02) };
  return world.reconcile().run!;
}

const observed = (failures: number) => ({
  errorRatio: { ...fresh, stable: proportion(0, 10_000), canary: proportion(failures, 1_000) },
  latencyP99: { error: 'not asked' },
});

describe('one evaluation', () => {
  test('passes, whatever a dry run shows', () => {
    const { verdict, failure } = evaluate(analysis, runOf(), observed(0), circumstances);
    expect(verdict).toMatchObject({ verdict: 'pass', at: now.toISOString() });
    expect(verdict.metrics[1]).toMatchObject({ metric: 'latencyP99', dryRun: true, verdict: 'inconclusive' });
    expect(failure).toBeUndefined();
  });

  test('a breach fails at once, a bad comparison only when the budget is spent', () => {
    expect(evaluate(analysis, runOf(), observed(900), circumstances).failure).toMatch(/past the limit/);
    let run = runOf();
    for (const expected of [undefined, undefined, '3 evaluations failed in a row']) {
      const result = evaluate(analysis, run, observed(100), circumstances);
      expect([result.verdict.verdict, result.failure]).toEqual(['fail', expected]);
      run = result.run;
    }
  });

  test('an error of the source counts for itself and leaves the budget alone', () => {
    const failed = evaluate(analysis, runOf(), observed(100), circumstances).run;
    const broken = evaluate(analysis, failed, { errorRatio: { error: 'down' } }, circumstances).run;
    expect(broken).toMatchObject({
      consecutiveFailures: 1,
      consecutiveProviderErrors: 1,
      consecutiveInconclusive: 1,
      budget: failed.budget,
    });
    expect(evaluate(analysis, broken, observed(0), circumstances).run).toMatchObject({
      consecutiveFailures: 0,
      consecutiveProviderErrors: 0,
      consecutiveInconclusive: 0,
    });
  });

  test('the next one is due after the interval, or at the end of the hold', () => {
    expect(nextCheck(analysis, undefined, now)).toBe('2026-01-01T12:01:00.000Z');
    expect(nextCheck(analysis, '2026-01-01T12:00:20.000Z', now)).toBe('2026-01-01T12:00:20.000Z');
    expect(nextCheck(analysis, '2026-01-01T11:00:00.000Z', now)).toBe('2026-01-01T12:01:00.000Z');
  });
});

describe('the failure budget', () => {
  const budget = { window: '1h', ratio: 0.2, consecutive: 3 };
  const at = (minute: number) => new Date(now.getTime() + minute * 60_000);

  test('rare failures never add up over 48 hours', () => {
    let buckets: readonly BudgetBucket[] = [];
    for (let minute = 0; minute < 48 * 60; minute++) {
      buckets = record(buckets, minute % 50 === 0, budget, at(minute));
      expect(spent(buckets, minute % 50 === 0 ? 1 : 0, budget)).toBeUndefined();
      expect(buckets.length).toBeLessThanOrEqual(14);
    }
  });

  test('many in one window do', () => {
    let buckets: readonly BudgetBucket[] = [];
    for (let minute = 0; minute < 30; minute++) {
      buckets = record(buckets, minute % 3 === 0, budget, at(minute));
    }
    expect(spent(buckets, 1, budget)).toBe('10 of 30 evaluations within 1h failed');
    const later = record(buckets, false, budget, at(120));
    expect(spent(later, 0, budget)).toBeUndefined();
  });
});
