import { durationText } from './duration.js';
import { secretKey, textMap } from './resource.js';
import {
  array,
  boolean,
  integer,
  map,
  number,
  object,
  oneOf,
  optional,
  string,
  withDefault,
  type Infer,
  type Rule,
} from './schema.js';

/** The services of a cluster, in the order in which they start. */
export const serviceNames = ['vault', 'pruner', 'sleep', 'koopman', 'gateway'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Services that a canary runs a second time; the gateway stands in front of both tracks. */
export const trackedServices = ['vault', 'pruner', 'sleep', 'koopman'] as const;

/** Variables that the operator sets itself. */
const reservedVariables = [
  'GRPC_HOST',
  'GRPC_PORT',
  'HTTP_PORT',
  'METRICS_PORT',
  'DATA_DIR',
  'INTERNAL_TOKEN_FILE',
  'API_KEY_FILE',
  'SHARD_TABLE_FILE',
  'TORI_TRACK',
  'TORI_REVISION',
  'VAULT_ADDRESS',
  'SLEEP_ADDRESS',
  'PRUNER_ADDRESS',
  'KOOPMAN_ADDRESS',
];

const quantity = string({
  description: 'A Kubernetes quantity, such as 500m or 2Gi.',
  pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$',
  maxLength: 32,
});

const toleration = object({
  key: optional(string()),
  operator: optional(oneOf(['Exists', 'Equal'])),
  value: optional(string()),
  effect: optional(oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
});

/** Fields that every service has. */
const workload = {
  image: optional(
    string({
      description: 'Container image; the release image of `spec.version` when absent. Kubernetes only.',
      pattern: '^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$',
      maxLength: 512,
    }),
  ),
  env: withDefault(
    map(string({ maxLength: 4096 }), {
      description: 'Environment variables of the service.',
      maxProperties: 32,
      rules: [
        {
          rule: "self.all(name, name.matches('^[A-Z_][A-Z0-9_]*$'))",
          message: 'names of environment variables are upper case letters, digits and _',
        },
        {
          rule: `!self.exists(name, name in ${celList(reservedVariables)})`,
          message: `the operator sets ${reservedVariables.join(', ')} itself`,
        },
      ],
    }),
    {},
  ),
  resources: withDefault(
    object(
      {
        requests: withDefault(map(quantity, { maxProperties: 8 }), {}),
        limits: withDefault(map(quantity, { maxProperties: 8 }), {}),
      },
      { description: 'Compute resources, as in a container of Kubernetes.' },
    ),
    {},
  ),
  pod: withDefault(
    object(
      {
        labels: withDefault(textMap('Labels added to the pods.'), {}),
        annotations: withDefault(textMap('Annotations added to the pods.'), {}),
        nodeSelector: withDefault(textMap('Node labels that the pods need.'), {}),
        tolerations: withDefault(array(toleration, { maxItems: 16 }), []),
        priorityClassName: optional(string()),
      },
      { description: 'Overrides of the pods on Kubernetes.' },
    ),
    {},
  ),
};

const volume = withDefault(
  object(
    {
      size: withDefault(quantity, '10Gi'),
      storageClassName: optional(string()),
    },
    { description: 'The volume that holds the data of the service.' },
  ),
  {},
);

const replicas = withDefault(
  integer({ description: 'Number of processes or pods.', minimum: 1, maximum: 64 }),
  1,
);

/** A service that alone may write its data, so that two of it would corrupt or contradict each other. */
const singleWriter = (service: string, why: string): Rule => ({
  rule: 'self.replicas == 1',
  message: `${service} is a single writer (${why}): replicas must be 1`,
  fieldPath: '.replicas',
});

const vault = object(
  { replicas, ...workload, volume },
  { description: 'episodic-vault: stores raw episodes.' },
);

const sleep = object(
  {
    replicas,
    ...workload,
    parameters: withDefault(
      object(
        {
          annealT0: optional(
            number({
              description: 'Initial anneal temperature T0, in units of the rms local field.',
              minimum: 0.25,
              maximum: 8,
            }),
          ),
          learningRate: optional(
            number({ description: 'Learning rate eta of wake-sleep.', minimum: 1e-4, maximum: 0.1 }),
          ),
        },
        { description: 'Explicit parameters: they win over the tuner.' },
      ),
      {},
    ),
  },
  {
    description: 'sleep-scheduler: replays episodes and consolidates them.',
    rules: [singleWriter('sleep-scheduler', 'one replay cursor')],
  },
);

const pruner = object(
  {
    replicas,
    ...workload,
    volume,
    parameters: withDefault(
      object(
        {
          l1Strength: optional(
            number({
              description: 'L1 sparsity strength tau, of pruning and of sleep.',
              minimum: 1e-5,
              maximum: 1e-2,
            }),
          ),
        },
        { description: 'Explicit parameters: they win over the tuner.' },
      ),
      {},
    ),
  },
  {
    description: 'sparse-pruner: owns the concept graph and prunes it.',
    rules: [singleWriter('sparse-pruner', 'it owns the concept graph')],
  },
);

const koopman = object(
  {
    replicas,
    ...workload,
    volume,
    parameters: withDefault(
      object(
        {
          dmdRank: optional(
            integer({
              description: 'Rank r of the dynamic mode decomposition.',
              minimum: 1,
              maximum: 500,
            }),
          ),
          kclL1Strength: optional(
            number({
              description:
                'Sparsity of the mode amplitudes, as a share of the strength that removes every mode.',
              minimum: 0,
              maximum: 1,
            }),
          ),
        },
        { description: 'Explicit parameters: they win over the tuner.' },
      ),
      {},
    ),
  },
  {
    description: 'koopman-learner: extracts spectral modes and couplings.',
    rules: [singleWriter('koopman-learner', 'one activation series')],
  },
);

const exposure = withDefault(
  object(
    {
      type: withDefault(oneOf(['Service', 'Ingress', 'Route']), 'Service'),
      host: optional(
        string({
          description: 'Host name of the Ingress or Gateway API route.',
          pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
        }),
      ),
      className: optional(string({ description: 'Ingress class, or name of the Gateway.' })),
    },
    {
      description: 'How clients outside the cluster reach the gateway.',
      rules: [
        {
          rule: "self.type == 'Service' || has(self.host)",
          message: 'host is needed when type is Ingress or Route',
          fieldPath: '.host',
        },
      ],
    },
  ),
  {},
);

const gateway = object(
  {
    replicas,
    ...workload,
    apiKeySecret: optional(secretKey('API key that clients carry; the operator makes one when absent.')),
    rateLimit: optional(
      object(
        {
          requestsPerSecond: integer({ minimum: 1, maximum: 1_000_000 }),
          burst: withDefault(integer({ minimum: 1, maximum: 1_000_000 }), 100),
        },
        { description: 'Limit of requests per client; none when absent.' },
      ),
    ),
    exposure,
  },
  { description: 'MCP gateway in front of the services.' },
);

export const servicesSchema = object(
  {
    vault: withDefault(vault, {}),
    sleep: withDefault(sleep, {}),
    pruner: withDefault(pruner, {}),
    koopman: withDefault(koopman, {}),
    gateway: withDefault(gateway, {}),
  },
  { description: 'The parts of the memory system.' },
);

export type ServicesSpec = Infer<typeof servicesSchema>;

export const monitoringSchema = object(
  {
    source: withDefault(
      oneOf(['scrape', 'prometheus'], {
        description: 'Where the operator reads samples: /metrics of each service, or a Prometheus server.',
      }),
      'scrape',
    ),
    prometheusUrl: optional(
      string({ description: 'Base URL of the Prometheus query API.', pattern: '^https?://[^ ]+$' }),
    ),
    interval: withDefault(durationText('Time between two samples.'), '15s'),
    staleAfter: withDefault(durationText('Age at which a sample no longer supports a decision.'), '2m'),
    serviceMonitor: withDefault(
      boolean({ description: 'Creates a ServiceMonitor for the Prometheus operator.' }),
      false,
    ),
  },
  {
    description: 'Where samples for analysis and tuning come from.',
    rules: [
      {
        rule: "self.source != 'prometheus' || has(self.prometheusUrl)",
        message: 'prometheusUrl is needed when source is prometheus',
        fieldPath: '.prometheusUrl',
      },
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

function celList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`;
}
