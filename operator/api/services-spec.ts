import { gateway } from './gateway-spec.js';
import { integer, number, object, optional, withDefault, type Infer } from './schema.js';
import { grpcService, replicas, singleWriter, volumeOf, workload } from './workload-spec.js';

/** The services of a cluster, in the order in which they start. */
export const serviceNames = ['vault', 'pruner', 'sleep', 'koopman', 'gateway'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Services that a canary runs a second time; the gateway stands in front of both tracks. */
export const trackedServices = ['vault', 'pruner', 'sleep', 'koopman'] as const;

const volume = volumeOf('10Gi');

const vault = object(
  { replicas, ...workload, service: grpcService, volume },
  { description: 'episodic-vault: stores raw episodes.' },
);

const sleep = object(
  {
    replicas,
    ...workload,
    service: grpcService,
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
    service: grpcService,
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
    service: grpcService,
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
