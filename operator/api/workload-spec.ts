import { textMap } from './resource.js';
import { affinity, toleration, topologySpread } from './scheduling.js';
import { array, integer, map, object, optional, string, withDefault, type Rule } from './schema.js';

/** Fields that several services have. */

/** Variables that the operator sets itself. */
const reservedVariables = [
  'BUS_DRIVER',
  'BUS_PREFIX',
  'REDIS_URL_FILE',
  'GRPC_HOST',
  'GRPC_PORT',
  'HTTP_PORT',
  'GATEWAY_HOST',
  'GATEWAY_PORT',
  'GATEWAY_RATE_PER_SECOND',
  'GATEWAY_RATE_BURST',
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

const resources = withDefault(
  object(
    {
      requests: withDefault(
        map(quantity, { description: 'What a node must have free.', maxProperties: 8 }),
        {},
      ),
      limits: withDefault(map(quantity, { description: 'What is never exceeded.', maxProperties: 8 }), {}),
    },
    {
      description:
        'Compute resources, as in a container of Kubernetes. The operator has defaults for cpu and memory; each gives way when it is named here.',
    },
  ),
  {},
);

const pod = withDefault(
  object(
    {
      labels: withDefault(textMap('Labels added to the pods.'), {}),
      annotations: withDefault(textMap('Annotations added to the pods.'), {}),
      nodeSelector: withDefault(textMap('Node labels that the pods need.'), {}),
      tolerations: withDefault(
        array(toleration, { description: 'Taints that the pods tolerate.', maxItems: 16 }),
        [],
      ),
      priorityClassName: optional(string({ description: 'PriorityClass of the pods.' })),
      affinity: optional(affinity),
      topologySpreadConstraints: optional(
        array(topologySpread, {
          description: 'Takes the place of the spread over zones that the operator sets.',
          maxItems: 8,
        }),
      ),
    },
    { description: 'Overrides of the pods on Kubernetes.' },
  ),
  {},
);

/** Of the Service in front of the pods; the gateway's has a type too. */
export const serviceFields = {
  annotations: withDefault(textMap('Annotations added to the Service.'), {}),
};

/** Fields that every service has but its Service. */
export const workload = {
  image: optional(
    string({
      description: 'Container image; the release image of `spec.version` when absent. Kubernetes only.',
      pattern: '^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$',
      maxLength: 512,
    }),
  ),
  env: withDefault(
    map(string({ description: 'Value of the variable.', maxLength: 4096 }), {
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
  resources,
  pod,
};

/** The Service of a gRPC service. */
export const grpcService = withDefault(
  object(serviceFields, { description: 'The Service in front of the pods on Kubernetes.' }),
  {},
);

/**
 * A volume for data.
 * @param size what it has when the manifest does not say
 */
export const volumeOf = (size: string) =>
  withDefault(
    object(
      {
        size: withDefault(quantity, size),
        storageClassName: optional(
          string({ description: 'StorageClass; that of the Kubernetes cluster when absent.' }),
        ),
      },
      {
        description: 'The volume that holds the data of the service.',
        rules: [
          {
            rule: 'quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0',
            message: 'a volume can grow but not shrink',
            fieldPath: '.size',
          },
          {
            rule: 'has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
            message: 'the class of a volume cannot be changed once it is made',
            fieldPath: '.storageClassName',
          },
        ],
      },
    ),
    {},
  );

export const replicas = withDefault(
  integer({ description: 'Number of processes or pods.', minimum: 1, maximum: 64 }),
  1,
);

/** A service that alone may write its data, so that two of it would corrupt or contradict each other. */
export const singleWriter = (service: string, why: string): Rule => ({
  rule: 'self.replicas == 1',
  message: `${service} is a single writer (${why}): replicas must be 1`,
  fieldPath: '.replicas',
});

function celList(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`;
}
