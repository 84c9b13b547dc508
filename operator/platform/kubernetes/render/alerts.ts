/** Which series a rule is about: those of one cluster. */
interface Scope {
  readonly namespace: string;
  readonly cluster: string;
}

interface Alert {
  readonly alert: string;
  /** PromQL, in which `$scope` stands for the matchers of the cluster. */
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
}

/** What a person should hear of, by the metrics of the contract. */
const alerts: readonly Alert[] = [
  {
    alert: 'ToriGatewayErrors',
    expr: 'sum(rate(gateway_requests_total{$scope, code!~"OK|INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|UNAUTHENTICATED"}[5m])) / sum(rate(gateway_requests_total{$scope}[5m])) > 0.05',
    for: '10m',
    severity: 'critical',
    summary: 'More than 5 % of the calls through the gateway fail',
    description:
      '{{ $value | humanizePercentage }} of the calls of the last 5 minutes ended in an error of the system.',
  },
  {
    alert: 'ToriGatewayWithoutTable',
    expr: 'max(gateway_shard_table_epoch{$scope}) < 0',
    for: '5m',
    severity: 'critical',
    summary: 'The gateway has no shard table',
    description: 'No gateway knows where to send a request: the operator has published no shard table.',
  },
  {
    alert: 'ToriGatewaysDisagree',
    // A gateway without a table says -1; that has an alert of its own.
    expr: 'max(gateway_shard_table_epoch{$scope}) - min(gateway_shard_table_epoch{$scope} >= 0) > 0',
    for: '10m',
    severity: 'warning',
    summary: 'Gateways serve different shard tables',
    description:
      'The oldest shard table in use is not the newest one: a canary waits until every gateway has that.',
  },
  {
    alert: 'ToriPutGetMismatch',
    expr: 'sum(increase(gateway_put_get_mismatch_total{$scope}[15m])) > 0',
    for: '0m',
    severity: 'critical',
    summary: 'An episode was not read back as it was written',
    description: '{{ $value | humanize }} episodes of the last 15 minutes came back other than they went in.',
  },
  {
    alert: 'ToriSleepBehind',
    expr: 'max by (track) (consol_backlog_age_seconds{$scope}) > 6 * 3600',
    for: '15m',
    severity: 'warning',
    summary: 'The memory does not sleep enough',
    description:
      'On the {{ $labels.track }} track, episodes have waited for a sleep for {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'ToriSleepRejected',
    expr: 'sum by (track) (increase(consol_cycles_total{$scope, result="quarantined"}[6h])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'A batch of episodes was quarantined',
    description:
      'On the {{ $labels.track }} track, sleep gave up on {{ $value | humanize }} batches in the last 6 hours.',
  },
  {
    alert: 'ToriPruneFails',
    expr: 'sum by (track) (increase(prune_jobs_total{$scope, state="failed"}[6h])) > 2',
    for: '0m',
    severity: 'warning',
    summary: 'Pruning fails',
    description:
      'On the {{ $labels.track }} track, {{ $value | humanize }} prunes failed in the last 6 hours: the graph grows unchecked.',
  },
  {
    alert: 'ToriModesDrift',
    expr: 'max by (track) (abs(kcl_psi_drift_rad{$scope})) > 0.2',
    for: '24h',
    severity: 'info',
    summary: 'Spectral modes have drifted for a day',
    description:
      'On the {{ $labels.track }} track, modes drift by {{ $value | humanize }} rad: the rank may be too low, and no rule has raised it.',
  },
  {
    alert: 'ToriServiceRestarts',
    expr: 'sum by (service, track) (changes(process_start_time_seconds{$scope}[30m])) > 3',
    for: '0m',
    severity: 'warning',
    summary: 'A service restarts again and again',
    description:
      '{{ $labels.service }} ({{ $labels.track }}) has started {{ $value }} times in half an hour.',
  },
  {
    alert: 'ToriEventLoopBlocked',
    expr: 'max by (service, track) (nodejs_eventloop_lag_p99_seconds{$scope}) > 1',
    for: '15m',
    severity: 'warning',
    summary: 'A service answers late',
    description:
      'The event loop of {{ $labels.service }} ({{ $labels.track }}) is blocked for {{ $value | humanizeDuration }} at p99.',
  },
];

/** The rule groups of a PrometheusRule, also of a rule file of Prometheus. */
export function alertGroups({ namespace, cluster }: Scope): object[] {
  const scope = `namespace="${namespace}", cluster="${cluster}"`;
  return [
    {
      name: `${namespace}/${cluster}`,
      rules: alerts.map(({ alert, expr, for: wait, severity, summary, description }) => ({
        alert,
        expr: expr.replaceAll('$scope', scope),
        for: wait,
        labels: { severity, namespace, cluster },
        annotations: { summary: `${summary} (${namespace}/${cluster})`, description },
      })),
    },
  ];
}
