import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { createMcp } from '../../lib/mcpClient/index.js';
import { packageRoot, startLocalCluster } from '../harness/local-cluster.js';
import { RedisServer, redisMissing } from '../harness/redis-server.js';
import { describeWith } from '../harness/needs.js';

const built = existsSync(join(packageRoot, 'dist', 'cli', 'main.js'));
const missing = built ? redisMissing : 'dist/ is absent; npm run build';
const withLocal = describeWith(missing);

withLocal('the local platform', () => {
  test('gives every service the Redis that a secret names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-local-'));
    const manifests = join(folder, 'manifest.yaml');
    const bus = { driver: 'redis', redisSecret: { name: 'cache', key: 'url' } };
    writeFileSync(
      manifests,
      stringify({
        apiVersion: 'memory.tori.dev/v1alpha1',
        kind: 'MemoryCluster',
        metadata: { name: 'demo' },
        spec: { version: 'current', bus },
      }),
    );
    const redis = await RedisServer.start();
    const cluster = await startLocalCluster({ manifests, secrets: { 'cache/url': redis.url() } });
    const mcp = createMcp({ url: cluster.endpoints.mcp, apiKey: cluster.apiKey });
    try {
      await mcp('memory.put', { episodeBlob: { concepts: { a: 1, b: 1 } } });
      const stream = '{default:demo:stable:episodic-vault}:events';
      const handled = () =>
        redis
          .cli('XINFO', 'GROUPS', stream)
          .split('\n')
          .join(' ')
          .match(/name (koopman-learner|sleep-scheduler) .*?last-delivered-id 1-0/g);
      for (let waited = 0; redis.cli('EXISTS', stream) === '0' || handled()?.length !== 2; waited++) {
        if (waited > 300) throw new Error(`not delivered: ${redis.cli('XINFO', 'GROUPS', stream)}`);
        await sleep(100);
      }
      expect(
        redis
          .cli('KEYS', '*')
          .split('\n')
          .every((key) => key.startsWith('{default:demo:stable:')),
      ).toBe(true);
    } finally {
      await mcp.close();
      expect(await cluster.stop()).toBe(0);
      await redis.close();
      rmSync(folder, { recursive: true });
    }
  });
});
