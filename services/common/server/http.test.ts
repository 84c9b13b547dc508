import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { serveObservability } from './http.js';

test('probes tell why a process is stuck, apart from whether it is ready', async () => {
  const state: { problem?: string; ready: boolean } = { ready: false };
  const server = await serveObservability(
    { registry: new Registry(), ready: () => state.ready, problem: () => state.problem },
    '127.0.0.1',
    0,
  );
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  expect(await ask('/livez')).toBe('200 ok\n');
  expect(await ask('/readyz')).toBe('503 not ready\n');
  state.problem = 'loop: no sign for 60 s';
  state.ready = true;
  expect(await ask('/livez')).toBe('503 loop: no sign for 60 s\n');
  expect(await ask('/readyz')).toBe('200 ok\n');
  expect(await ask('/nothing')).toBe('404 ');
  server.close();
  server.closeAllConnections();
});
