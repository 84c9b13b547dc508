import { Client, credentials } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';

/** Something whose health can be asked for. */
export interface HealthTarget {
  /** As it is printed. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** gRPC services answer the standard health protocol, the gateway answers `/readyz`. */
  readonly protocol: 'grpc' | 'http';
}

const timeoutMs = 3_000;
const loopback = '127.0.0.1';

/** The contract's ports. */
const wellKnown: readonly { name: string; port: number; protocol: HealthTarget['protocol'] }[] = [
  { name: 'episodic-vault', port: 50051, protocol: 'grpc' },
  { name: 'sleep-scheduler', port: 50052, protocol: 'grpc' },
  { name: 'sparse-pruner', port: 50053, protocol: 'grpc' },
  { name: 'koopman-learner', port: 50054, protocol: 'grpc' },
  { name: 'mcp-gateway', port: 8787, protocol: 'http' },
];

/**
 * What to ask: the services and addresses that are named; without any, the process that this environment configures
 * (`GRPC_PORT` or `GATEWAY_PORT`, as in a container of one service), else everything on its contract port.
 * @param names service names, or `host:port` of a gRPC server
 * @throws Error naming what is neither
 */
export function healthTargets(names: readonly string[], env: NodeJS.ProcessEnv): HealthTarget[] {
  if (names.length > 0) return names.map((name) => named(name, env));
  if (env['GRPC_PORT']) return [named(`${loopback}:${env['GRPC_PORT']}`, env)];
  if (env['GATEWAY_PORT']) {
    const address = `${loopback}:${env['GATEWAY_PORT']}`;
    return [{ name: 'mcp-gateway', address, protocol: 'http' }];
  }
  return wellKnown.map(({ name }) => named(name, env));
}

/** Resolves to undefined when the target is healthy, else to the reason why it is not. */
export async function unhealthiness({ address, protocol }: HealthTarget): Promise<string | undefined> {
  return protocol === 'grpc' ? grpcUnhealthiness(address) : httpUnhealthiness(address);
}

function named(name: string, env: NodeJS.ProcessEnv): HealthTarget {
  if (/^[^\s:]+:\d{1,5}$/.test(name)) return { name, address: name, protocol: 'grpc' };
  const found = wellKnown.find((service) => service.name === name);
  if (found === undefined) {
    const known = wellKnown.map((service) => service.name).join(', ');
    throw new Error(`"${name}" is not a service; expected host:port or one of ${known}`);
  }
  const port = found.port + portOffset(env['TORI_PORT_OFFSET'] ?? '');
  return { name, address: `${loopback}:${port}`, protocol: found.protocol };
}

function portOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isInteger(offset)) throw new Error(`TORI_PORT_OFFSET = "${text}": expected a whole number`);
  return offset;
}

async function grpcUnhealthiness(address: string): Promise<string | undefined> {
  const client = new Client(address, credentials.createInsecure());
  const check = healthService['Check']!;
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service: '' },
        { deadline: Date.now() + timeoutMs },
        (error, response) => resolve(error === null ? notServing(response) : error.details),
      );
    });
  } finally {
    client.close();
  }
}

function notServing(response: object | undefined): string | undefined {
  const status: unknown = response !== undefined && 'status' in response ? response.status : 'UNKNOWN';
  return status === 'SERVING' ? undefined : `it answers ${String(status)}`;
}

async function httpUnhealthiness(address: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    return response.ok ? undefined : `/readyz answers ${response.status}`;
  } catch (error) {
    return messageOf(error);
  }
}

/** fetch says only that it failed; its cause says why. */
function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('cause' in error && error.cause !== undefined) return messageOf(error.cause);
  return 'message' in error ? String(error.message) : 'unknown failure';
}
