import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../services/common/clients/client.js';
import { shardOf } from '../../services/common/shards/shards.js';
import { encodeActivations, sparseVector } from '../../services/common/activations/activations.js';
import type { Mcp } from '../../lib/mcpClient/index.js';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { Memory } from './memory.js';

// Shards of tenant default in the contract: episode-1 is 1317, episode-2 is 5157.
const half = { canaryBasisPoints: 2_000 };
const concepts = { tea: 1, cup: 0.5 };

let memory: Memory;
let mcp: Mcp;

beforeEach(async () => {
  memory = await Memory.start({ GATEWAY_VERIFY_SHARE: '1' });
  // Concept ids of the two vaults differ from here on.
  mcp = memory.client();
  await mcp('memory.put', { episodeBlob: { concepts: { milk: 1, cup: 1 } }, id: 'before' });
  await memory.startTrack('canary');
});
afterEach(() => memory.stop());

describe('a canary', () => {
  test('gets its share, and every episode is found whatever the share is', async () => {
    await memory.route(half);
    const puts = [];
    for (let k = 1; k <= 24; k++) {
      puts.push(await mcp('memory.put', { episodeBlob: { concepts }, id: `episode-${k}` }));
    }
    for (const { shard, track } of puts) expect(track).toBe(shard < 2_000 ? 'canary' : 'stable');
    expect(new Set(puts.map(({ track }) => track))).toEqual(new Set(['stable', 'canary']));

    for (const canaryBasisPoints of [2_000, 5_000, 10_000, 0]) {
      await memory.route({ canaryBasisPoints });
      for (const { episodeId } of puts) {
        expect((await mcp('memory.get', { id: episodeId })).concepts).toEqual(concepts);
      }
      expect((await mcp('memory.get', { id: 'before' })).track).toBe('stable');
    }
  });

  test('an episode whose shard moved is not stored twice', async () => {
    const blob = { episodeBlob: { concepts }, id: 'episode-1', time: 5 };
    const first = await mcp('memory.put', blob);
    await memory.route(half);
    expect(await mcp('memory.put', blob)).toEqual({ ...first, track: 'stable', duplicate: true });
    await expect(mcp('memory.put', { ...blob, time: 6 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-1' })).toMatchObject({
      duplicate: true,
    });

    const inCanary = await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-7', time: 5 });
    const drained = { canaryBasisPoints: 0 };
    await memory.route(drained);
    expect(await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-7', time: 5 })).toMatchObject({
      track: inCanary.track,
      duplicate: true,
    });
  });

  test('forget reaches both tracks, so that no copy comes back', async () => {
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-1' });
    await memory.route(half);
    expect(await mcp('memory.forget', { id: 'episode-1' })).toEqual({ id: 'episode-1', deleted: true });
    await expect(mcp('memory.get', { id: 'episode-1' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const share of [half, { canaryBasisPoints: 0 }]) {
      await memory.route(share);
      await expect(mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-1' })).rejects.toMatchObject({
        code: 'FAILED_PRECONDITION',
      });
    }
  });

  test('recall asks both tracks and lists each episode once', async () => {
    await memory.route(half);
    for (let k = 1; k <= 12; k++) await mcp('memory.put', { episodeBlob: { concepts }, id: `episode-${k}` });
    const { episodes, failures } = await mcp('memory.recall', { concepts: ['tea'], k: 20 });
    expect(failures).toEqual([]);
    expect(episodes.map(({ id }) => id).sort()).toEqual(
      Array.from({ length: 12 }, (_, k) => `episode-${k + 1}`).sort(),
    );
    expect(new Set(episodes.map(({ track }) => track))).toEqual(new Set(['stable', 'canary']));
    const { answers } = await mcp('memory.recall', { cues: [{ id: 'q', concepts: { milk: 1 } }] });
    expect(answers).toMatchObject([{ id: 'q', results: [{ id: 'before' }] }]);
  });

  test('routes by tenant and by shard key where the table says so', async () => {
    // Tenant acme with an empty key is shard 879.
    await memory.route({ canaryBasisPoints: 900, routingKey: 'tenant' });
    for (const id of ['a', 'b']) {
      expect(await mcp('memory.put', { episodeBlob: { concepts }, id, tenant: 'acme' })).toMatchObject({
        shard: 879,
        track: 'canary',
      });
    }
    await memory.route({ ...half, routingKey: 'shardKey' });
    const put = { episodeBlob: { concepts }, id: 'keyed', shardKey: 'episode-1' };
    expect(await mcp('memory.put', put)).toMatchObject({ shard: 1317, track: 'canary' });
    expect(await mcp('memory.put', { ...put, shardKey: 'episode-2' })).toMatchObject({
      track: 'canary',
      duplicate: true,
    });
    expect((await mcp('memory.get', { id: 'keyed' })).track).toBe('canary');
  });

  test('metrics count for the track that served, and read-back finds no difference', async () => {
    await memory.route(half);
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-1' });
    const requests = await memory.samples('gateway_requests_total');
    expect(requests.get('{tool="memory.put",code="OK",track="canary"}')).toBe(1);
    expect([...(await memory.samples('gateway_canary_basis_points')).values()]).toEqual([2_000]);
    const mismatches = await memory.samples('gateway_put_get_mismatch_total');
    expect([...mismatches.values()]).toEqual([0, 0]);
  });
});

describe('a canary that is down', () => {
  test('harms nobody whose shard it never had', async () => {
    await memory.route({ canaryBasisPoints: 2_000, canaryPeakBasisPoints: 2_000 });
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-2' });
    await memory.stopVault('canary');
    const missing = ['x-1', 'x-2', 'x-3', 'x-4'].find((id) => shardOf('default', id) >= 2_000)!;
    await expect(mcp('memory.get', { id: missing })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const put = await mcp('memory.put', { episodeBlob: { concepts: { lemon: 1 } }, id: missing });
    expect(put).toMatchObject({ track: 'stable', duplicate: false });
    expect((await mcp('memory.get', { id: 'episode-2' })).track).toBe('stable');
  });

  test('is named by recall, which goes on with the stable track', async () => {
    await memory.route(half);
    await memory.stopVault('canary');
    const { episodes, failures } = await mcp('memory.recall', { concepts: ['milk'] });
    expect(episodes).toMatchObject([{ id: 'before' }]);
    expect(failures).toMatchObject([{ track: 'canary', code: 'UNAVAILABLE' }]);
    const requests = await memory.samples('gateway_requests_total');
    expect(requests.get('{tool="memory.recall",code="UNAVAILABLE",track="canary"}')).toBe(1);
    expect(requests.get('{tool="memory.recall",code="OK",track="stable"}')).toBe(1);
  });
});

describe('epochs', () => {
  test('a write that an older table routed waits for the newer one', async () => {
    const { token } = memory;
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, memory.services('stable').vault, {
      token,
    });
    await vault.fence({ epoch: 2 });
    const put = mcp('memory.put', { episodeBlob: { concepts }, id: 'fenced' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await memory.route({});
    expect(await put).toMatchObject({ track: 'stable', duplicate: false });
    vault.close();
  });

  test('what another vault was asked about cannot land there later', async () => {
    await memory.route(half);
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'episode-1' });
    const { token } = memory;
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, memory.services('stable').vault, {
      token,
    });
    const activations = encodeActivations(sparseVector([[0, 1]]));
    const late = { id: 'episode-1', timeUnixMs: 1, source: '', meta: {}, activations };
    await expect(vault.put({ tenant: '', episode: late, epoch: 1 })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
    });
    vault.close();
  });
});

test('a vault that restarts loses no call', async () => {
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    const acknowledged: string[] = [];
    for (let k = 0; k < 15; k++) {
      const id = `w-${writer}-${k}`;
      await mcp('memory.put', { episodeBlob: { concepts: { [`c-${k}`]: 1, shared: 0.5 } }, id });
      acknowledged.push(id);
    }
    return acknowledged;
  });
  const port = await memory.stopVault('stable');
  await memory.startVault('stable', port);
  for (const id of (await Promise.all(writers)).flat()) {
    expect((await mcp('memory.get', { id })).concepts).toMatchObject({ shared: 0.5 });
  }
});
