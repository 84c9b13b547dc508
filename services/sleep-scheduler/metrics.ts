import { Counter, Gauge, type Registry } from 'prom-client';
import type { ConsolidationCycle } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import type { CycleResult } from './cycle.js';

/** How much waits to be consolidated, over all tenants. */
export interface Backlog {
  readonly episodes: number;
  /** Since when there has been some, in milliseconds since the epoch; undefined when there is none. */
  readonly since: number | undefined;
}

/** What sleep tells of itself. Gauges of a cycle appear with the first cycle, so that a rule never reads a made-up 0. */
export interface SleepMetrics {
  cycleEnded(cycle: ConsolidationCycle, result: CycleResult, edgeUpdates: number): void;
}

/** Registers the contract's metrics of the sleep-scheduler, and those of its backlog. */
export function createSleepMetrics(
  registry: Registry,
  backlog: () => Backlog,
  now: () => number = Date.now,
): SleepMetrics {
  const registers = [registry];
  const operations = new Counter({ name: 'consol_ops_total', help: 'Edge updates committed.', registers });
  const cycles = new Counter({
    name: 'consol_cycles_total',
    help: 'Distinct consolidation cycles, by result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['accepted', 'rejected', 'quarantined']) cycles.inc({ result }, 0);
  const signChanges = new Counter({
    name: 'consol_energy_sign_changes_total',
    help: 'Cycles whose energy delta has the opposite sign of the cycle before.',
    registers,
  });
  new Gauge({
    name: 'consol_backlog_episodes',
    help: 'Log entries that wait for a sleep.',
    registers,
    collect() {
      this.set(backlog().episodes);
    },
  });
  new Gauge({
    name: 'consol_backlog_age_seconds',
    help: 'How long there has been a backlog; 0 without one.',
    registers,
    collect() {
      const { since } = backlog();
      this.set(since === undefined ? 0 : (now() - since) / 1_000);
    },
  });
  const gauges = new Map<string, Gauge>();
  const show = (name: string, help: string, value: number) => {
    const gauge = gauges.get(name) ?? new Gauge({ name, help, registers });
    gauges.set(name, gauge);
    gauge.set(value);
  };
  let lastSign = 0;
  return {
    cycleEnded(cycle, result, edgeUpdates) {
      const delta = cycle.energyAfter - cycle.energyBefore;
      const sign = Math.sign(delta);
      if (sign !== 0 && lastSign !== 0 && sign !== lastSign) signChanges.inc();
      if (sign !== 0) lastSign = sign;
      show('energy_delta', 'Energy after minus before of the held-out episodes, last cycle.', delta);
      show(
        'consol_energy_drop_ratio',
        '(E_start - E_end) / |E_start| of settling, last cycle.',
        cycle.energyDropRatio,
      );
      show('consol_settle_loops', 'Sweeps until no spin flips, last cycle.', cycle.settleLoops);
      show(
        'consol_completion_ndcg',
        'NDCG@20 of completing held-out episodes, last cycle.',
        cycle.completionAfter,
      );
      operations.inc(edgeUpdates);
      // Last, so that a scrape that sees the new cycle sees its gauges too.
      cycles.inc({ result });
    },
  };
}
