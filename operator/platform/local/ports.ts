import { ConfigError } from '../../../services/common/config/config.js';
import type { Track } from '../../../services/common/shards/shards.js';

/** Names of the processes that make up one track, in the order in which they start. */
export const serviceNames = [
  'episodic-vault',
  'sparse-pruner',
  'sleep-scheduler',
  'koopman-learner',
] as const;
export type ServiceName = (typeof serviceNames)[number];
export type { Track };

/** How much higher the ports of the canary track are, because it shares the machine with stable. */
const canaryShift = 100;

/** Ports of the contract. */
const contractPorts: Record<ServiceName, { readonly grpc: number; readonly metrics: number }> = {
  'episodic-vault': { grpc: 50_051, metrics: 9_091 },
  'sleep-scheduler': { grpc: 50_052, metrics: 9_092 },
  'sparse-pruner': { grpc: 50_053, metrics: 9_093 },
  'koopman-learner': { grpc: 50_054, metrics: 9_094 },
};

/** Every port of a machine, shifted by TORI_PORT_OFFSET. */
export interface Ports {
  service(name: ServiceName, track: Track): { readonly grpc: number; readonly metrics: number };
  readonly gateway: number;
  readonly gatewayMetrics: number;
  readonly operatorMetrics: number;
}

/** @throws ConfigError when TORI_PORT_OFFSET is not a whole number that keeps every port in range */
export function portsOf(env: NodeJS.ProcessEnv): Ports {
  const text = env['TORI_PORT_OFFSET'] ?? '0';
  const offset = Number(text);
  if (text.trim() === '' || !Number.isInteger(offset) || offset < -8_000 || offset > 15_000) {
    throw new ConfigError(
      `TORI_PORT_OFFSET = ${JSON.stringify(text)}: expected a whole number from -8000 to 15000`,
    );
  }
  return {
    service(name, track) {
      const shift = offset + (track === 'canary' ? canaryShift : 0);
      return { grpc: contractPorts[name].grpc + shift, metrics: contractPorts[name].metrics + shift };
    },
    gateway: 8_787 + offset,
    gatewayMetrics: 9_095 + offset,
    operatorMetrics: 9_096 + offset,
  };
}

/** `host:port` of the four services of a track, by the names that the shard table uses. */
export function serviceAddresses(ports: Ports, track: Track) {
  const at = (name: ServiceName) => `127.0.0.1:${ports.service(name, track).grpc}`;
  return {
    vault: at('episodic-vault'),
    sleep: at('sleep-scheduler'),
    pruner: at('sparse-pruner'),
    koopman: at('koopman-learner'),
  };
}

/** Where the gateway of this machine answers. */
export function gatewayBase(ports: Ports): string {
  return `http://127.0.0.1:${ports.gateway}`;
}
