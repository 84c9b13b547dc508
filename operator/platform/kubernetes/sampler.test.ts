import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { MetricsProvider } from '../../samples/series.js';
import { createLogger } from '../../../services/common/logger.js';
import { clusterAddresses } from './addresses.js';
import { Sampler } from './sampler.js';
import type { ServiceSeen } from './workload-status.js';

const cluster = { spec: { monitoring: { interval: '30s' } } } as MemoryCluster;
const pending = {
  service: 'vault',
  track: 'stable',
  pods: [{ metadata: { name: 'memory-vault-0' }, status: { phase: 'Pending' } }],
} as unknown as ServiceSeen;

describe('the next round of samples', () => {
  let folder: string;
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sampler-'));
    now = Date.parse('2030-01-01T00:00:00Z');
  });

  afterEach(() => rm(folder, { recursive: true }));

  const sampler = (prometheus?: MetricsProvider) =>
    new Sampler({
      folder,
      addresses: clusterAddresses,
      logger: createLogger('test', 'silent'),
      now: () => now,
      prometheus: () => prometheus,
    });
  const ask = (one: Sampler) =>
    one.provider(
      cluster,
      { seen: [pending], profile: undefined, needsSamples: true },
      new AbortController().signal,
    );

  test.each([
    ['of a cluster with a Prometheus', {} as MetricsProvider],
    ['of a cluster whose pods do not run yet', undefined],
  ])('%s is due an interval after the last, not at once', async (_, prometheus) => {
    const one = sampler(prometheus);
    await ask(one);
    expect(one.msToNextRound(cluster)).toBe(30_000);
    now += 10_000;
    await ask(one);
    expect(one.msToNextRound(cluster)).toBe(20_000);
  });
});
