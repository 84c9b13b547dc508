import { Counter, Gauge, type Registry } from 'prom-client';
import type { JobStatus } from '../common/jobs/jobs.js';
import type { VersionRecord } from './domain/history.js';

/** Counters of the service; its gauges are read from the graphs at every scrape. */
export interface PrunerMetrics {
  /** Edges that a committed prune has removed. */
  pruned(edges: number): void;
  jobEnded(status: JobStatus): void;
}

/**
 * Registers the contract's `pruned_edges_total` and `edge_count`, and `graph_nodes`, `graph_density`, `graph_version`
 * and `prune_jobs_total`. Gauges stand for all tenants together.
 * @param heads records of the versions in force, one a tenant
 */
export function createPrunerMetrics(
  registry: Registry,
  heads: () => readonly VersionRecord[],
): PrunerMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (records: readonly VersionRecord[]) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(heads()));
      },
    });
  gauge('edge_count', 'Edges of the concept graph, over all tenants.', (records) => total(records, 'edges'));
  gauge('graph_nodes', 'Concepts of the concept graph, over all tenants.', (records) =>
    total(records, 'nodes'),
  );
  gauge('graph_version', 'Version of the concept graph, the highest of all tenants.', (records) =>
    records.reduce((highest, { version }) => Math.max(highest, version), 0),
  );
  gauge('graph_density', 'Edges over possible edges, over all tenants.', (records) => {
    const possible = records.reduce((sum, { nodes }) => sum + (nodes * (nodes - 1)) / 2, 0);
    return possible === 0 ? 0 : total(records, 'edges') / possible;
  });
  const removed = new Counter({
    name: 'pruned_edges_total',
    help: 'Edges removed by committed prunes since the process started.',
    registers,
  });
  const ended = new Counter({
    name: 'prune_jobs_total',
    help: 'Pruning jobs that have ended, by state.',
    labelNames: ['state'],
    registers,
  });
  return {
    pruned: (count) => removed.inc(count),
    jobEnded: (state) => ended.inc({ state }),
  };
}

function total(records: readonly VersionRecord[], field: 'nodes' | 'edges'): number {
  return records.reduce((sum, record) => sum + record[field], 0);
}
