import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { everyExample } from './rendered.js';
import { testWith } from '../harness/needs.js';

const here = testWith(
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'redis-server is not installed',
);

interface Container {
  readonly command: readonly string[];
  readonly readinessProbe: { readonly exec: { readonly command: readonly string[] } };
}

here(
  'the managed Redis starts as it is rendered, is ready by its own probe, and asks for the password',
  async () => {
    const objects = everyExample.find(({ name }) => name === 'production')!.objects();
    const named = (kind: string) =>
      objects.find((one) => one.kind === kind && one.metadata.name === 'production-redis');
    const { template } = named('StatefulSet')!['spec'] as {
      readonly template: { readonly spec: { readonly containers: readonly Container[] } };
    };
    const [container] = template.spec.containers;
    const { 'redis.conf': configuration } = named('ConfigMap')!['data'] as Record<string, string>;

    const folder = mkdtempSync(join(tmpdir(), 'tori-redis-'));
    const port = await freePort();
    /** A text of the container with its mounts in the folder. */
    const local = (text: string) =>
      text
        .replaceAll('/etc/tori/redis', join(folder, 'secret'))
        .replaceAll('/etc/redis', join(folder, 'configuration'))
        .replaceAll('/run/redis', join(folder, 'run'))
        .replaceAll('redis-cli', `redis-cli -p ${port}`);
    for (const name of ['secret', 'configuration', 'run', 'data']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'secret', 'password'), 'correct-horse');
    writeFileSync(
      join(folder, 'configuration', 'redis.conf'),
      configuration!
        .replace('port 6379', `port ${port}`)
        .replace('dir /data', `dir ${join(folder, 'data')}`)
        .replace('bind * -::*', 'bind 127.0.0.1'),
    );
    const [shell, ...args] = container!.command.map(local);
    const redis = spawn(shell!, args, { stdio: 'ignore' });
    const ended = once(redis, 'exit');
    try {
      const [probe, ...probeArgs] = container!.readinessProbe.exec.command.map(local);
      const isReady = () => spawnSync(probe!, probeArgs).status === 0;
      for (let tries = 0; tries < 100 && !isReady(); tries++) await sleep(100);
      expect(isReady()).toBe(true);
      const stranger = spawnSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' });
      expect(stranger.stdout).toContain('NOAUTH');
      const list = spawnSync('ps', ['-o', 'args=', '-p', String(redis.pid)], { encoding: 'utf8' });
      expect(list.stdout).toContain('redis-server');
      expect(list.stdout).not.toContain('correct-horse');
    } finally {
      redis.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
