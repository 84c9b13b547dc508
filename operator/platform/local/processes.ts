import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Workload } from '../../cluster/workloads.js';
import type { Home } from './home.js';
import { serviceAddresses, type Ports } from './ports.js';
import type { ProcessSpec } from './supervisor/process-spec.js';

/** The build that this operator belongs to: the version that is always installed. */
const ownBuild = fileURLToPath(new URL('../../../', import.meta.url));

/** Names of the own build: `current`, and the version of this package. */
export const ownVersions = (packageVersion: string): readonly string[] => ['current', packageVersion];

/** What turning a workload into a process needs. */
export interface ProcessContext {
  readonly home: Home;
  readonly ports: Ports;
  readonly packageVersion: string;
}

/**
 * The folder that holds the compiled services of a version: the own build, or `versions/<version>/` in the home with the
 * layout of dist/. Undefined when it is not installed.
 */
export function buildOf(version: string, { home, packageVersion }: ProcessContext): string | undefined {
  if (ownVersions(packageVersion).includes(version)) return ownBuild;
  const folder = join(home.versions, version);
  return existsSync(join(folder, 'services')) ? folder : undefined;
}

/**
 * A workload as a process of this machine. Creates its data and log folders.
 * @param build folder of the compiled services, see {@link buildOf}
 */
export function processOf(workload: Workload, build: string, context: ProcessContext): ProcessSpec {
  const { home, ports } = context;
  const { program, track } = workload;
  const key = `${track}/${program}`;
  mkdirSync(join(home.logs, track), { recursive: true });
  const common = {
    service: program,
    key,
    revision: workload.revision,
    entry: join(build, 'services', program, 'main.js'),
    logFile: join(home.logs, track, `${program}.log`),
  };
  if (program === 'mcp-gateway') return { ...common, ...gateway(workload, context) };
  const dataDir = join(home.data, track, program);
  mkdirSync(dataDir, { recursive: true });
  const name = program as Parameters<Ports['service']>[0];
  const { grpc, metrics } = ports.service(name, track);
  const addresses = serviceAddresses(ports, track);
  return {
    ...common,
    metricsPort: metrics,
    initialEnv: workload.parameterEnv,
    env: {
      ...workload.env,
      GRPC_PORT: String(grpc),
      METRICS_PORT: String(metrics),
      DATA_DIR: dataDir,
      INTERNAL_TOKEN_FILE: home.internalTokenFile,
      TORI_TRACK: track,
      TORI_REVISION: workload.revision,
      ...Object.fromEntries(
        Object.entries(addresses).map(([peer, address]) => [`${peer.toUpperCase()}_ADDRESS`, address]),
      ),
    },
  };
}

/** The gateway serves both tracks: a new revision of the services is no reason to restart it, so it only starts with it. */
function gateway(workload: Workload, { home, ports }: ProcessContext) {
  return {
    metricsPort: ports.gatewayMetrics,
    initialEnv: { TORI_REVISION: workload.revision },
    env: {
      ...workload.env,
      GATEWAY_PORT: String(ports.gateway),
      METRICS_PORT: String(ports.gatewayMetrics),
      SHARD_TABLE_FILE: home.shardTableFile,
      API_KEY_FILE: home.apiKeyFile,
      INTERNAL_TOKEN_FILE: home.internalTokenFile,
    },
  };
}
