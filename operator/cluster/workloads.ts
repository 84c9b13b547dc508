import type { MemoryClusterSpec } from '../api/memory-cluster.js';
import type { RevisionTemplate } from '../api/rollout-status.js';
import { serviceNames, type ServiceName, type ServicesSpec } from '../api/services-spec.js';
import { parameterCatalogue, parameterNames, type EffectiveParameters } from './parameters.js';

export type Track = 'stable' | 'canary';

/** One service of one track, in terms that every platform can render. */
export interface Workload {
  readonly service: ServiceName;
  /** Name of the program, a folder of services/. */
  readonly program: string;
  readonly track: Track;
  readonly revision: string;
  readonly version: string;
  readonly image?: string;
  readonly replicas: number;
  /** Ports of the contract, in both tracks; the gateway's first is HTTP. */
  readonly port: number;
  readonly metricsPort: number;
  /** A change of these restarts it. */
  readonly env: Readonly<Record<string, string>>;
  /** Parameters it starts with; a change is pushed by UpdateParameters while it runs. */
  readonly parameterEnv: Readonly<Record<string, string>>;
  /** Services of its track whose addresses it needs. */
  readonly peers: readonly ServiceName[];
  /** Size of the volume that keeps its data; absent when it keeps none. */
  readonly volume?: ServicesSpec['vault']['volume'];
  readonly resources: ServicesSpec['vault']['resources'];
  readonly pod: ServicesSpec['vault']['pod'];
}

/** What a track has to run. */
export interface TrackWish {
  readonly track: Track;
  readonly revision: string;
  readonly template: RevisionTemplate;
  readonly parameters: EffectiveParameters;
}

interface Program {
  readonly program: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly peers: readonly ServiceName[];
}

/** The programs, with their ports of the contract. */
export const programs: Readonly<Record<ServiceName, Program>> = {
  vault: { program: 'episodic-vault', port: 50_051, metricsPort: 9091, peers: [] },
  sleep: { program: 'sleep-scheduler', port: 50_052, metricsPort: 9092, peers: ['vault', 'pruner'] },
  pruner: { program: 'sparse-pruner', port: 50_053, metricsPort: 9093, peers: [] },
  koopman: { program: 'koopman-learner', port: 50_054, metricsPort: 9094, peers: ['vault'] },
  gateway: {
    program: 'mcp-gateway',
    port: 8787,
    metricsPort: 9095,
    peers: ['vault', 'sleep', 'pruner', 'koopman'],
  },
};

/**
 * The workloads of one track, in the order in which they start. The gateway stands in front of both tracks and goes
 * with stable.
 */
export function desiredWorkloads(spec: MemoryClusterSpec, wish: TrackWish): Workload[] {
  return serviceNames
    .filter((name) => name !== 'gateway' || wish.track === 'stable')
    .map((name) => workloadOf(spec, wish, name));
}

function workloadOf(spec: MemoryClusterSpec, wish: TrackWish, name: ServiceName): Workload {
  const service = spec.services[name];
  const { image, env = {} } = wish.template.services[name] ?? {};
  const { program, port, metricsPort, peers } = programs[name];
  const parameterEnv = parametersOf(name, env, wish.parameters);
  return {
    service: name,
    program,
    track: wish.track,
    revision: wish.revision,
    version: wish.template.version,
    ...(image === undefined ? {} : { image }),
    replicas: service.replicas,
    port,
    metricsPort,
    env: {
      ...Object.fromEntries(Object.entries(env).filter(([variable]) => !(variable in parameterEnv))),
      ...(name === 'gateway' ? rateLimitOf(spec) : {}),
    },
    parameterEnv,
    peers,
    ...('volume' in service ? { volume: service.volume } : {}),
    resources: service.resources,
    pod: service.pod,
  };
}

/** The limit of the gateway's clients, as its environment. */
function rateLimitOf({ services }: MemoryClusterSpec): Record<string, string> {
  const { rateLimit } = services.gateway;
  if (rateLimit === undefined) return {};
  return {
    GATEWAY_RATE_PER_SECOND: String(rateLimit.requestsPerSecond),
    GATEWAY_RATE_BURST: String(rateLimit.burst),
  };
}

/** A text in the environment that is no number stays what it is, so that the service refuses it by name. */
function parametersOf(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  parameters: EffectiveParameters,
): Record<string, string> {
  return Object.fromEntries(
    parameterNames
      .filter((parameter) => parameterCatalogue[parameter].readers.includes(name))
      .map((parameter) => {
        const { variable } = parameterCatalogue[parameter];
        const { value, source } = parameters[parameter];
        return [variable, (source === 'Default' ? env[variable] : undefined) ?? String(value)];
      }),
  );
}
