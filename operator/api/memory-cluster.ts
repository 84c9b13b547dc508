import { monitoringSchema } from './monitoring-spec.js';
import { serviceNames, servicesSchema } from './services-spec.js';
import {
  conditionsSchema,
  instant,
  nameText,
  secretKey,
  type Definition,
  type Resource,
} from './resource.js';
import { rolloutSchema } from './rollout-spec.js';
import { rolloutStatusSchema } from './rollout-status.js';
import {
  array,
  boolean,
  integer,
  map,
  object,
  oneOf,
  optional,
  string,
  withDefault,
  type Infer,
} from './schema.js';
import { tuningStatusSchema } from './tuning-status.js';
import { volumeOf } from './workload-spec.js';

const storage = object(
  {
    engine: withDefault(oneOf(['lmdb', 'postgres'], { description: 'Where episodes are kept.' }), 'lmdb'),
    postgresSecret: optional(secretKey('Connection string of PostgreSQL.')),
    deletionPolicy: withDefault(
      oneOf(['Retain', 'Delete'], {
        description: 'What happens to the volumes when the cluster is deleted.',
      }),
      'Retain',
    ),
  },
  {
    description: 'The storage engine.',
    rules: [
      {
        rule: 'self.engine == oldSelf.engine',
        message: 'the engine cannot be changed; make a new cluster and import the episodes',
        fieldPath: '.engine',
      },
      {
        rule: "self.engine != 'postgres' || has(self.postgresSecret)",
        message: 'postgresSecret is needed when engine is postgres',
        fieldPath: '.postgresSecret',
      },
    ],
  },
);

const bus = object(
  {
    driver: withDefault(oneOf(['embedded', 'redis'], { description: 'How events travel.' }), 'embedded'),
    redisSecret: optional(
      secretKey('URL of a Redis of your own; with driver redis the operator runs one when absent.'),
    ),
    volume: volumeOf('2Gi'),
  },
  {
    description: 'The event bus between the services.',
    rules: [
      {
        rule: "!has(self.redisSecret) || self.driver == 'redis'",
        message: 'redisSecret goes only with driver redis',
        fieldPath: '.redisSecret',
      },
    ],
  },
);

const routing = object(
  {
    key: withDefault(
      oneOf(['episode', 'tenant', 'shardKey'], {
        description: 'What is hashed with the tenant to choose a shard.',
      }),
      'episode',
    ),
  },
  { description: 'How requests are spread over the shards.' },
);

export const memoryClusterSpecSchema = object(
  {
    version: string({
      description: 'Release that every service runs; locally an installed build.',
      pattern: '^[A-Za-z0-9][-A-Za-z0-9._+]*$',
      minLength: 1,
      maxLength: 128,
    }),
    services: withDefault(servicesSchema, {}),
    storage: withDefault(storage, {}),
    bus: withDefault(bus, {}),
    routing: withDefault(routing, {}),
    rollout: withDefault(rolloutSchema, {}),
    tuningProfileRef: optional(
      object(
        { name: nameText('Name of a TuningProfile in the same namespace.') },
        { description: 'The profile that tunes this cluster; nothing is tuned when absent.' },
      ),
    ),
    monitoring: withDefault(monitoringSchema, {}),
    imagePullSecrets: withDefault(
      array(
        object({ name: nameText('Name of the Secret.') }, { description: 'A Secret for the registry.' }),
        {
          description: 'Secrets with which images are pulled.',
          mapKeys: ['name'],
          maxItems: 8,
        },
      ),
      [],
    ),
    imagePullPolicy: optional(
      oneOf(['Always', 'IfNotPresent', 'Never'], {
        description: 'When images are pulled; the rule of Kubernetes when absent.',
      }),
    ),
    networkPolicies: withDefault(
      boolean({
        description:
          'Whether NetworkPolicies let only the parts of this cluster and the operator call the services.',
      }),
      true,
    ),
  },
  {
    description: 'What is wanted.',
    rules: [
      {
        rule: "self.services.vault.replicas == 1 || self.storage.engine == 'postgres'",
        message: 'more than 1 vault needs storage.engine postgres; with lmdb it is a single writer',
        fieldPath: '.services.vault.replicas',
      },
    ],
  },
);

/** Closed set of phases; derived from the conditions by operator/cluster/status.ts, never decided on. */
export const clusterPhases = [
  'Pending',
  'Reconciling',
  'Ready',
  'Canary',
  'Paused',
  'Promoting',
  'RollingBack',
  'Degraded',
  'Failed',
  'Terminating',
] as const;
export type ClusterPhase = (typeof clusterPhases)[number];

const serviceStatus = object(
  {
    name: oneOf(serviceNames, { description: 'Which service.' }),
    track: oneOf(['stable', 'canary'], { description: 'Of which track; the gateway counts as stable.' }),
    revision: string({ description: 'Revision that it runs.', maxLength: 63 }),
    wanted: integer({ description: 'How many there should be.', minimum: 0 }),
    ready: integer({ description: 'How many of them are ready.', minimum: 0 }),
    restarts: optional(integer({ description: 'How often they were restarted.', minimum: 0 })),
    message: optional(string({ description: 'Why they are not ready.', maxLength: 1024 })),
  },
  { description: 'Readiness of one service of one track.' },
);

const canarySummary = object(
  {
    revision: string({ description: 'Revision of the canary.', maxLength: 63 }),
    weight: string({ description: 'Share of the keys, such as 1%.', maxLength: 8 }),
    step: string({ description: 'Such as 2/3.', maxLength: 8 }),
    hold: string({ description: 'Least time at this weight, such as 48h.', maxLength: 32 }),
    verdict: optional(
      oneOf(['pass', 'fail', 'inconclusive'], { description: 'Verdict of the last evaluation.' }),
    ),
    stepStartedAt: optional(instant('When the gateway began to send this share.')),
    eligibleAt: optional(instant('When the hold ends.')),
  },
  { description: 'The canary in the words of `get`.' },
);

const status = object(
  {
    observedGeneration: integer({ description: 'Generation of the spec that this is about.', minimum: 0 }),
    phase: oneOf(clusterPhases, { description: 'The conditions in one word.' }),
    message: string({ description: 'What happens now and what comes next.', maxLength: 2048 }),
    conditions: conditionsSchema,
    services: array(serviceStatus, { description: 'Readiness of every service.', maxItems: 16 }),
    rollout: optional(rolloutStatusSchema),
    canary: optional(canarySummary),
    tuning: optional(tuningStatusSchema),
    endpoints: withDefault(
      map(string({ maxLength: 1024 }), {
        description: 'Where the parts can be reached, by name.',
        maxProperties: 16,
      }),
      {},
    ),
  },
  { description: 'What is.' },
);

export type MemoryClusterSpec = Infer<typeof memoryClusterSpecSchema>;
export type MemoryClusterStatus = Infer<typeof status>;
export type ServiceStatus = Infer<typeof serviceStatus>;
export type MemoryCluster = Resource<'MemoryCluster', MemoryClusterSpec, MemoryClusterStatus>;

export const memoryCluster: Definition = {
  kind: 'MemoryCluster',
  plural: 'memoryclusters',
  singular: 'memorycluster',
  shortNames: ['mc'],
  // Services are named after it: they begin with a letter, and `-koopman-canary` with a hash must fit into a label.
  name: { pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$', maxLength: 36 },
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Version', type: 'string', jsonPath: '.spec.version' },
    { name: 'Stable', type: 'string', jsonPath: '.status.rollout.stableRevision' },
    { name: 'Canary', type: 'string', jsonPath: '.status.canary.revision' },
    { name: 'Weight', type: 'string', jsonPath: '.status.canary.weight' },
    { name: 'Step', type: 'string', jsonPath: '.status.canary.step' },
    {
      name: 'Held',
      type: 'date',
      jsonPath: '.status.canary.stepStartedAt',
      description: 'How long the canary has had this weight.',
    },
    { name: 'Of', type: 'string', jsonPath: '.status.canary.hold' },
    { name: 'Verdict', type: 'string', jsonPath: '.status.canary.verdict' },
    { name: 'Eligible', type: 'string', jsonPath: '.status.canary.eligibleAt', priority: 1 },
    {
      name: 'Paused',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Paused")].reason',
      priority: 1,
    },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  spec: memoryClusterSpecSchema,
  status,
};
