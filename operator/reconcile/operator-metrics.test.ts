import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createOperatorMetrics } from './operator-metrics.js';
import type { Reconciled } from './reconcile.js';

test('nothing is said any more of a cluster that is gone, whatever was counted of it', async () => {
  const registry = new Registry();
  const metrics = createOperatorMetrics(registry);
  const parameter = { value: 1 };
  const parameters = {
    annealT0: parameter,
    learningRate: parameter,
    l1Strength: parameter,
    dmdRank: parameter,
  };
  metrics.show({ namespace: 'default', name: 'memory' }, {
    status: { conditions: [], tuning: { parameters } },
    answers: [],
    decision: { tuning: { adjustments: [{ parameter: 'learningRate', outcome: 'Kept' }] } },
  } as unknown as Reconciled);
  expect(await registry.metrics()).toContain(
    'operator_adjustments_total{namespace="default",cluster="memory"',
  );
  metrics.forget({ namespace: 'default', name: 'memory' });
  expect(await registry.metrics()).not.toContain('memory');
});
