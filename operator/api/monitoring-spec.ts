import { durationText } from './duration.js';
import { secretKey, textMap } from './resource.js';
import { boolean, object, optional, string, withDefault } from './schema.js';

const prometheus = object(
  {
    url: string({ description: 'Base URL of the query API.', pattern: '^https?://[^ ]+$', maxLength: 512 }),
    tokenSecret: optional(secretKey('Bearer token for the query API.')),
  },
  {
    description:
      'A Prometheus server that has the metrics of the services. When absent, the operator scrapes /metrics of each itself.',
  },
);

export const monitoringSchema = object(
  {
    prometheus: optional(prometheus),
    interval: withDefault(durationText('Time between two samples.'), '15s'),
    staleAfter: withDefault(durationText('Age at which a sample no longer supports a decision.'), '2m'),
    serviceMonitor: withDefault(
      boolean({ description: 'Creates a ServiceMonitor for the Prometheus operator.' }),
      false,
    ),
    prometheusRule: withDefault(
      boolean({ description: 'Creates a PrometheusRule with alerts for the Prometheus operator.' }),
      false,
    ),
    labels: withDefault(
      textMap(
        'Labels added to the ServiceMonitor and the PrometheusRule, for the selectors of the Prometheus operator.',
      ),
      {},
    ),
  },
  {
    description: 'Where samples for analysis and tuning come from.',
    rules: [
      {
        rule: 'duration(self.interval) <= duration(self.staleAfter)',
        message: 'staleAfter must not be shorter than interval',
        fieldPath: '.staleAfter',
      },
      {
        rule: "duration(self.interval) >= duration('1s')",
        message: 'interval must be at least 1s',
        fieldPath: '.interval',
      },
    ],
  },
);
