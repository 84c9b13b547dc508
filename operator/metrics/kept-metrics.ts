/** How a metric is kept. */
export interface KeptMetric {
  readonly name: string;
  /** Labels to keep; series that differ only in others are added up. `track` and `service` are always kept. */
  readonly by: readonly string[];
  /** `long`: also down-sampled for 8 days, on disk. */
  readonly retention: 'recent' | 'long';
}

/**
 * What tuning and rollouts read. Anything else on a page is dropped, so that the store does not grow with the number
 * of methods, tenants or libraries.
 */
const standing: readonly KeptMetric[] = [
  ...[
    'consol_cycles_total',
    'consol_energy_drop_ratio',
    'consol_settle_loops',
    'consol_energy_sign_changes_total',
    'consol_ops_total',
    'energy_delta',
    'edge_count',
    'pruned_edges_total',
    'vault_episode_count',
    'vault_size_mb',
    'kcl_psi_drift_rad',
    'kcl_effective_rank',
    'kcl_modes',
    'kcl_modes_total',
    'coupling_updates_total',
  ].map((name) => ({ name, by: [], retention: 'long' as const })),
  { name: 'gateway_requests_total', by: ['tool', 'code'], retention: 'long' },
  { name: 'gateway_request_seconds_bucket', by: ['tool', 'le'], retention: 'recent' },
  { name: 'gateway_put_get_checks_total', by: [], retention: 'long' },
  { name: 'gateway_put_get_mismatch_total', by: [], retention: 'long' },
  { name: 'gateway_shard_table_epoch', by: [], retention: 'recent' },
  { name: 'grpc_server_handled_total', by: ['grpc_code'], retention: 'recent' },
  { name: 'grpc_server_handling_seconds_bucket', by: ['le'], retention: 'recent' },
];

/** The standing metrics and those that rules name besides, by name. */
export function keptMetrics(ruleMetrics: readonly string[] = []): ReadonlyMap<string, KeptMetric> {
  const kept = new Map<string, KeptMetric>();
  for (const name of ruleMetrics) kept.set(name, { name, by: [], retention: 'long' });
  for (const metric of standing) kept.set(metric.name, metric);
  return kept;
}
