import { Counter, Gauge, type Registry } from 'prom-client';
import { isTrue } from '../api/conditions.js';
import { adjustmentOutcomes, tunableParameters } from '../api/tuning-status.js';
import type { Reconciled } from './reconcile.js';

/** Whose figures they are. */
export interface ClusterKey {
  readonly namespace: string;
  readonly name: string;
}

/** What the operator counts of its own work. */
export interface OperatorMetrics {
  readonly passes: Counter;
  readonly failures: Counter;
  /** Time of the last pass in seconds since the epoch. */
  readonly lastPass: Gauge;
  /** Shows what a pass led to. */
  show(cluster: ClusterKey, result: Reconciled): void;
  /** Drops the figures of a cluster that is gone. */
  forget(cluster: ClusterKey): void;
}

const labels = ['namespace', 'cluster'] as const;

/** Registers the operator's metrics. */
export function createOperatorMetrics(registry: Registry): OperatorMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const ready = gauge('operator_cluster_ready', 'Whether the cluster is Ready.', labels);
  const share = gauge('operator_canary_basis_points', 'Share of the canary in the shard table.', labels);
  const parameter = gauge('operator_parameter', 'Effective value of a tuned parameter.', [
    ...labels,
    'parameter',
  ]);
  const adjustments = counter('operator_adjustments_total', 'Changes of parameters, by outcome.', [
    ...labels,
    'parameter',
    'outcome',
  ]);
  return {
    passes: counter('operator_passes_total', 'Passes over resources.'),
    failures: counter('operator_pass_failures_total', 'Passes that failed.'),
    lastPass: gauge('operator_last_pass_timestamp_seconds', 'When the last pass ended.'),
    show({ namespace, name: cluster }, { status, decision }) {
      ready.set({ namespace, cluster }, isTrue(status.conditions, 'Ready') ? 1 : 0);
      share.set({ namespace, cluster }, status.rollout?.table.basisPoints ?? 0);
      const { tuning } = status;
      if (tuning === undefined) return;
      for (const name of tunableParameters) {
        parameter.set({ namespace, cluster, parameter: name }, tuning.parameters[name].value);
      }
      for (const { parameter: name, outcome } of decision?.tuning?.adjustments ?? []) {
        adjustments.inc({ namespace, cluster, parameter: name, outcome });
      }
    },
    forget({ namespace, name: cluster }) {
      for (const one of [ready, share]) one.remove({ namespace, cluster });
      for (const name of tunableParameters) {
        parameter.remove({ namespace, cluster, parameter: name });
        for (const outcome of adjustmentOutcomes)
          adjustments.remove({ namespace, cluster, parameter: name, outcome });
      }
    },
  };
}
