import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startService, type ServiceDescription, type ServiceHandle } from '../server/service.js';
import { healthTargets, unhealthiness, type HealthTarget } from './check.js';

describe('what is asked', () => {
  test('without names: everything on its contract port', () => {
    expect(healthTargets([], {}).map(({ name, address }) => `${name} ${address}`)).toEqual([
      'episodic-vault 127.0.0.1:50051',
      'sleep-scheduler 127.0.0.1:50052',
      'sparse-pruner 127.0.0.1:50053',
      'koopman-learner 127.0.0.1:50054',
      'mcp-gateway 127.0.0.1:8787',
    ]);
    expect(healthTargets([], { TORI_PORT_OFFSET: '1000' })[4]).toEqual({
      name: 'mcp-gateway',
      address: '127.0.0.1:9787',
      protocol: 'http',
    });
  });

  test('without names in a container of one service: that service', () => {
    expect(healthTargets([], { GRPC_PORT: '50061' })).toEqual([
      { name: '127.0.0.1:50061', address: '127.0.0.1:50061', protocol: 'grpc' },
    ]);
    expect(healthTargets([], { GATEWAY_PORT: '9000' })).toEqual([
      { name: 'mcp-gateway', address: '127.0.0.1:9000', protocol: 'http' },
    ]);
  });

  test('names and addresses', () => {
    expect(
      healthTargets(['sparse-pruner', 'vault:1234'], { GRPC_PORT: '1' }).map((one) => one.address),
    ).toEqual(['127.0.0.1:50053', 'vault:1234']);
    expect(() => healthTargets(['pruner'], {})).toThrow(
      '"pruner" is not a service; expected host:port or one of',
    );
    expect(() => healthTargets([], { TORI_PORT_OFFSET: 'x' })).toThrow('TORI_PORT_OFFSET = "x"');
  });
});

describe('the answer', () => {
  let service: ServiceHandle | undefined;
  let http: Server | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tori-health-'));

  afterEach(async () => {
    await service?.drain();
    http?.close();
    service = http = undefined;
  });

  const grpc = (port: number): HealthTarget => ({
    name: 'x',
    address: `127.0.0.1:${port}`,
    protocol: 'grpc',
  });

  test('of a gRPC service follows its life', async () => {
    writeFileSync(join(folder, 'token'), 'token');
    const description: ServiceDescription<Record<string, never>> = {
      name: 'idle',
      environment: {},
      start: () => Promise.resolve({ services: [], stop: () => Promise.resolve() }),
    };
    service = await startService(description, {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: folder,
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      LOG_LEVEL: 'silent',
    });
    const { grpcPort } = service;
    expect(await unhealthiness(grpc(grpcPort))).toBeUndefined();
    await service.drain();
    service = undefined;
    expect(await unhealthiness(grpc(grpcPort))).toContain('ECONNREFUSED');
    rmSync(folder, { recursive: true });
  });

  test('of the gateway follows /readyz', async () => {
    let status = 200;
    http = createServer((request, response) =>
      response.writeHead(request.url === '/readyz' ? status : 404).end(),
    );
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const gateway: HealthTarget = { name: 'mcp-gateway', address: `127.0.0.1:${port}`, protocol: 'http' };
    expect(await unhealthiness(gateway)).toBeUndefined();
    status = 503;
    expect(await unhealthiness(gateway)).toBe('/readyz answers 503');
    http.close();
    http.closeAllConnections();
    expect(await unhealthiness(gateway)).toBeDefined();
  });
});
