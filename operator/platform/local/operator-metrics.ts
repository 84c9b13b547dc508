import { Counter, Gauge, type Registry } from 'prom-client';
import { isTrue } from '../../api/conditions.js';
import { tunableParameters } from '../../api/tuning-status.js';
import type { Reconciled } from './reconcile.js';

/** What the operator counts of its own work. */
export interface OperatorMetrics {
  readonly passes: Counter;
  readonly failures: Counter;
  /** Time of the last pass in seconds since the epoch. */
  readonly lastPass: Gauge;
  /** Shows what a pass led to. */
  show(cluster: string, result: Reconciled): void;
}

/** Registers the operator's metrics. */
export function createOperatorMetrics(registry: Registry): OperatorMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const ready = gauge('operator_cluster_ready', 'Whether the cluster is Ready.', ['cluster']);
  const share = gauge('operator_canary_basis_points', 'Share of the canary in the shard table.', ['cluster']);
  const parameter = gauge('operator_parameter', 'Effective value of a tuned parameter.', [
    'cluster',
    'parameter',
  ]);
  const adjustments = counter('operator_adjustments_total', 'Changes of parameters, by outcome.', [
    'cluster',
    'parameter',
    'outcome',
  ]);
  return {
    passes: counter('operator_passes_total', 'Passes over all resources.'),
    failures: counter('operator_pass_failures_total', 'Passes that failed.'),
    lastPass: gauge('operator_last_pass_timestamp_seconds', 'When the last pass ended.'),
    show(cluster, { status, decision }) {
      ready.set({ cluster }, isTrue(status.conditions, 'Ready') ? 1 : 0);
      share.set({ cluster }, status.rollout?.table.basisPoints ?? 0);
      const { tuning } = status;
      if (tuning === undefined) return;
      for (const name of tunableParameters) {
        parameter.set({ cluster, parameter: name }, tuning.parameters[name].value);
      }
      for (const { parameter: name, outcome } of decision?.tuning?.adjustments ?? []) {
        adjustments.inc({ cluster, parameter: name, outcome });
      }
    },
  };
}
