import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ToolName } from '../../lib/mcpClient/tools.js';
import type { Track } from '../common/shards/shards.js';
import type { TableSource } from './routing/table-source.js';

/** What the gateway counts of each tool call. */
export interface ToolMetrics {
  /**
   * @param code `OK` or the code of the failure
   * @param track the track that served; `none` when the call reached none
   */
  count(tool: ToolName, track: Track | 'none', code: string, seconds: number): void;
}

/** Registers the metrics by which the canary analysis compares the tracks, and those of the shard table. */
export function createToolMetrics(registry: Registry, tables: TableSource): ToolMetrics {
  const requests = new Counter({
    name: 'gateway_requests_total',
    help: 'Tool calls by the track that served them; a call that both tracks served counts for each.',
    labelNames: ['tool', 'code', 'track'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'gateway_request_seconds',
    help: 'Duration of tool calls, in seconds.',
    labelNames: ['tool', 'track'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  new Gauge({
    name: 'gateway_shard_table_epoch',
    help: 'Epoch of the shard table in force; -1 without one.',
    registers: [registry],
    collect() {
      this.set(tables.peek()?.epoch ?? -1);
    },
  });
  new Gauge({
    name: 'gateway_canary_basis_points',
    help: 'Share of the shards that the canary serves, in basis points.',
    registers: [registry],
    collect() {
      this.set(tables.peek()?.canaryBasisPoints ?? 0);
    },
  });
  return {
    count(tool, track, code, duration) {
      requests.inc({ tool, code, track });
      seconds.observe({ tool, track }, duration);
    },
  };
}
