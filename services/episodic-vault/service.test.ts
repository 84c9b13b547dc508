import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  EpisodeState,
  EpisodicVaultService,
  QueryMatch,
  type BatchPutRequest,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import { decodeU32, encodeActivations, encodeU32, sparseVector } from '../common/activations/activations.js';
import { subscribeEvents } from '../common/bus/embedded.js';
import { connect, type ServiceClient } from '../common/clients/client.js';
import { startService, type ServiceHandle } from '../common/server/service.js';
import { episodicVault } from './service.js';

const token = 'vault-test-token';

interface Fixture {
  readonly client: ServiceClient<EpisodicVaultServer>;
  readonly folder: string;
  readonly address: string;
  readonly env: NodeJS.ProcessEnv;
  metrics(): Promise<string>;
  restart(env?: NodeJS.ProcessEnv): Promise<Fixture>;
}

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startVault(extra: NodeJS.ProcessEnv = {}, folder?: string): Promise<Fixture> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'vault-')));
  if (folder === undefined) cleanups.push(() => rm(home, { recursive: true, force: true }));
  await writeFile(join(home, 'token'), token);
  const env = {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(home, 'data'),
    INTERNAL_TOKEN_FILE: join(home, 'token'),
    LOG_LEVEL: 'silent',
    VAULT_MIN_FREE_BYTES: '0',
    ...extra,
  };
  const service: ServiceHandle = await startService(episodicVault, env);
  const address = `127.0.0.1:${service.grpcPort}`;
  const client = connect<EpisodicVaultServer>(EpisodicVaultService, address, { token });
  let running = true;
  const stop = async () => {
    if (!running) return;
    running = false;
    client.close();
    await service.drain();
  };
  cleanups.push(stop);
  return {
    client,
    folder: home,
    address,
    env,
    metrics: async () => (await fetch(`http://127.0.0.1:${service.metricsPort}/metrics`)).text(),
    restart: async (changed = {}) => {
      await stop();
      return startVault({ ...extra, ...changed }, home);
    },
  };
}

/** Interns c0…c9 and gives an episode whose concepts are named by number. */
async function withConcepts(vault: Fixture, tenant = ''): Promise<void> {
  const names = Array.from({ length: 10 }, (_, k) => `c${k}`);
  await vault.client.internConcepts({ tenant, names });
}

function episode(id: string, concepts: Record<number, number>, timeUnixMs = 1000): Episode {
  const pairs = Object.entries(concepts).map(([name, value]) => [Number(name), value] as const);
  return {
    id,
    timeUnixMs,
    source: 'test',
    meta: { kind: 'note' },
    activations: encodeActivations(sparseVector(pairs)),
  };
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

function replayAll(vault: Fixture, tenant = '', afterSequence = 0) {
  return collect(vault.client.replay({ tenant, afterSequence, follow: false, limit: 0 }));
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;

describe('the dictionary', () => {
  test('gives dense ids in order of first use, for each tenant, and keeps them over a restart', async () => {
    const first = await startVault();
    const intern = async (vault: Fixture, tenant: string, names: string[]) => {
      const { conceptIds } = await vault.client.internConcepts({ tenant, names });
      return [...decodeU32(conceptIds, 'ids')];
    };
    expect(await intern(first, '', ['tea', 'milk', 'tea'])).toEqual([0, 1, 0]);
    const racing = await Promise.all([intern(first, '', ['a', 'b']), intern(first, '', ['b', 'a'])]);
    expect(racing[0]).toEqual([...racing[1]].reverse());
    expect(await intern(first, 'acme', ['milk'])).toEqual([0]);
    const second = await first.restart();
    expect(await intern(second, 'default', ['milk', 'sugar'])).toEqual([1, 4]);
    const pages = await collect(second.client.listConcepts({ tenant: '', firstId: 1 }));
    expect(pages).toEqual([{ firstId: 1, names: expect.arrayContaining(['milk', 'sugar']) }]);
  });

  test('looks up without adding', async () => {
    const { client } = await startVault();
    const { conceptIds } = await client.internConcepts({ tenant: '', names: ['new'], existingOnly: true });
    expect([...decodeU32(conceptIds, 'ids')]).toEqual([0xffff_ffff]);
    expect((await client.getStats({ tenant: '' })).conceptCount).toBe(0);
  });

  test('refuses a malformed name', async () => {
    const { client } = await startVault();
    for (const name of ['', 'a\nb', 'x'.repeat(257)]) {
      await expect(client.internConcepts({ tenant: '', names: ['ok', name] })).rejects.toEqual(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('names[1]') }),
      );
    }
  });
});

describe('put', () => {
  test('is idempotent by id and content, and keeps everything over a restart', async () => {
    const first = await startVault();
    await withConcepts(first);
    const one = episode('one', { 1: 0.5, 3: 2 });
    expect(await first.client.put({ tenant: '', episode: one, epoch: 0 })).toEqual({
      sequence: 1,
      duplicate: false,
    });
    const reordered = { ...one, meta: { ...one.meta } };
    expect(await first.client.put({ tenant: '', episode: reordered, epoch: 0 })).toEqual({
      sequence: 1,
      duplicate: true,
    });
    await expect(
      first.client.put({ tenant: '', episode: episode('one', { 1: 0.6 }), epoch: 0 }),
    ).rejects.toEqual(code('ALREADY_EXISTS'));
    const second = await first.restart();
    expect(await second.client.get({ tenant: '', id: 'one' })).toEqual({ episode: one, sequence: 1 });
    await expect(second.client.get({ tenant: 'acme', id: 'one' })).rejects.toEqual(code('NOT_FOUND'));
    expect(await second.client.put({ tenant: '', episode: episode('two', { 1: 1 }), epoch: 0 })).toEqual({
      sequence: 2,
      duplicate: false,
    });
  });

  test('one of many racing writers of an id wins; equal content is a duplicate for the others', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, k) =>
        vault.client.put({ tenant: '', episode: episode('same', { 1: 1 + (k % 2) }), epoch: 0 }),
      ),
    );
    const fulfilled = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(fulfilled).toHaveLength(10);
    expect(fulfilled.filter(({ value }) => !value.duplicate)).toHaveLength(1);
    expect((await vault.client.getStats({ tenant: '' })).lastSequence).toBe(1);
  });

  test.each([
    ['no episode', undefined, 'episode: '],
    ['an empty id', episode('', { 1: 1 }), 'episode.id'],
    ['a control character in the id', episode('a\u0000b', { 1: 1 }), 'episode.id'],
    ['no activation', episode('a', {}), 'episode.activations'],
    ['a concept that was never interned', episode('a', { 99: 1 }), 'episode.activations.concept_ids[0]'],
    ['NaN', episode('a', { 1: NaN }), 'episode.activations.values[0]'],
    ['infinity', episode('a', { 1: Infinity }), 'episode.activations.values[0]'],
    ['zero', episode('a', { 1: 0 }), 'episode.activations.values[0]'],
    [
      'descending ids',
      {
        ...episode('a', { 1: 1 }),
        activations: { conceptIds: encodeU32(Uint32Array.of(2, 1)), values: Buffer.alloc(8, 64) },
      },
      'episode.activations.concept_ids[1]',
    ],
    ['too much meta', { ...episode('a', { 1: 1 }), meta: { a: 'x'.repeat(16 * 1024) } }, 'episode.meta'],
    [
      'too many meta entries',
      {
        ...episode('a', { 1: 1 }),
        meta: Object.fromEntries(Array.from({ length: 65 }, (_, k) => [`k${k}`, ''])),
      },
      'episode.meta',
    ],
    ['over 1 MiB', { ...episode('a', { 1: 1 }), source: 'x'.repeat(1024 * 1024) }, 'episode: '],
    ['a time beyond dates', episode('a', { 1: 1 }, 8.7e15), 'episode.time_unix_ms'],
  ])('refuses %s, naming the field', async (_, wrong, field) => {
    const vault = await startVault();
    await withConcepts(vault);
    await expect(vault.client.put({ tenant: '', episode: wrong, epoch: 0 })).rejects.toEqual(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(field) }),
    );
  });

  test('refuses a malformed tenant', async () => {
    const { client } = await startVault();
    await expect(client.getStats({ tenant: 'No Spaces' })).rejects.toEqual(code('INVALID_ARGUMENT'));
  });
});

describe('batch put', () => {
  test('stores batches of several tenants and tells what was new', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    await withConcepts(vault, 'acme');
    const batches: BatchPutRequest[] = Array.from({ length: 30 }, (_, b) => ({
      tenant: b % 2 === 0 ? '' : 'acme',
      episodes: Array.from({ length: 50 }, (__, k) => episode(`e${b}-${k}`, { [k % 10]: 1 })),
      epoch: 0,
    }));
    expect(await vault.client.batchPut(batches)).toEqual({ stored: 1500, duplicates: 0, lastSequence: 750 });
    expect(await vault.client.batchPut(batches)).toEqual({ stored: 0, duplicates: 1500, lastSequence: 0 });
    const sequences = (await replayAll(vault, 'acme')).map((entry) => entry.sequence);
    expect(sequences).toEqual(Array.from({ length: 750 }, (_, k) => k + 1));
  });

  test('a batch with a conflict is stored not at all, the ones before it are, the ones after it are not', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const batch = (...ids: string[]) => ({
      tenant: '',
      episodes: ids.map((id) => episode(id, { 1: 1 })),
      epoch: 0,
    });
    const conflicting = { tenant: '', episodes: [episode('c', { 1: 1 }), episode('a', { 2: 1 })], epoch: 0 };
    await expect(vault.client.batchPut([batch('a', 'b'), conflicting, batch('d')])).rejects.toEqual(
      code('ALREADY_EXISTS'),
    );
    const stored = (await replayAll(vault)).map(({ entry }) => entry?.$case === 'stored' && entry.value.id);
    expect(stored).toEqual(['a', 'b']);
  });

  test('the same id twice in a batch counts once', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const twice = [episode('a', { 1: 1 }), episode('a', { 1: 1 })];
    expect(await vault.client.batchPut([{ tenant: '', episodes: twice, epoch: 0 }])).toEqual({
      stored: 1,
      duplicates: 1,
      lastSequence: 1,
    });
  });

  test('a caller that goes away leaves the vault working', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const abort = new AbortController();
    async function* endless() {
      for (let k = 0; ; k++) {
        yield { tenant: '', episodes: [episode(`e${k}`, { 1: 1 })], epoch: 0 };
        if (k === 20) abort.abort();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    await expect(vault.client.batchPut(endless(), { signal: abort.signal })).rejects.toEqual(
      code('CANCELLED'),
    );
    expect(await vault.client.put({ tenant: '', episode: episode('after', { 1: 1 }), epoch: 0 })).toEqual(
      expect.objectContaining({ duplicate: false }),
    );
  });
});

describe('epochs', () => {
  test('a newer epoch fences older writes, durably', async () => {
    const first = await startVault();
    await withConcepts(first);
    const put = (vault: Fixture, id: string, epoch: number) =>
      vault.client.put({ tenant: '', episode: episode(id, { 1: 1 }), epoch });
    await put(first, 'a', 0);
    await put(first, 'b', 3);
    for (const epoch of [0, 2])
      await expect(put(first, 'c', epoch)).rejects.toEqual(code('FAILED_PRECONDITION'));
    expect(await first.client.fence({ epoch: 7 })).toEqual({ epoch: 7 });
    expect(await first.client.fence({ epoch: 5 })).toEqual({ epoch: 7 });
    const second = await first.restart();
    await expect(put(second, 'c', 6)).rejects.toEqual(code('FAILED_PRECONDITION'));
    await expect(
      second.client.delete({ tenant: '', id: 'a', epoch: 6, tombstoneIfAbsent: false }),
    ).rejects.toEqual(code('FAILED_PRECONDITION'));
    await put(second, 'c', 7);
    expect((await second.client.getStats({ tenant: '' })).epoch).toBe(7);
    await expect(put(second, 'd', -1)).rejects.toEqual(code('INVALID_ARGUMENT'));
  });
});

describe('delete', () => {
  test('leaves a tombstone in the log and never takes the id again', async () => {
    const first = await startVault();
    await withConcepts(first);
    const { client } = first;
    await client.put({ tenant: '', episode: episode('a', { 1: 1 }), epoch: 0 });
    await client.put({ tenant: '', episode: episode('b', { 1: 1 }), epoch: 0 });
    const remove = (id: string, tombstoneIfAbsent = false) =>
      client.delete({ tenant: '', id, epoch: 0, tombstoneIfAbsent });
    expect(await remove('a')).toEqual({ deleted: true, sequence: 3 });
    expect(await remove('a')).toEqual({ deleted: false, sequence: 3 });
    await expect(remove('never')).rejects.toEqual(code('NOT_FOUND'));
    expect(await remove('never', true)).toEqual({ deleted: false, sequence: 4 });
    const second = await first.restart();
    for (const id of ['a', 'never']) {
      await expect(
        second.client.put({ tenant: '', episode: episode(id, { 1: 1 }), epoch: 0 }),
      ).rejects.toEqual(code('FAILED_PRECONDITION'));
      await expect(second.client.get({ tenant: '', id })).rejects.toEqual(code('NOT_FOUND'));
    }
    expect((await replayAll(second)).map(({ sequence, entry }) => [sequence, entry?.$case])).toEqual([
      [2, 'stored'],
      [3, 'deleted'],
      [4, 'deleted'],
    ]);
    expect(await second.client.getStats({ tenant: '' })).toEqual(
      expect.objectContaining({ episodeCount: 1, lastSequence: 4, tombstoneCount: 2 }),
    );
    const query = { tenant: '', conceptIds: encodeU32(Uint32Array.of(1)), match: QueryMatch.QUERY_MATCH_ANY };
    const found = await collect(
      second.client.query({ ...query, fromUnixMs: undefined, toUnixMs: undefined, limit: 0 }),
    );
    expect(found.map((item) => item.episode?.id)).toEqual(['b']);
  });
});

describe('replay', () => {
  test('follows live and ends when the vault drains, with nothing missed after a restart', async () => {
    const first = await startVault();
    await withConcepts(first);
    const seen: number[] = [];
    const ended = (async () => {
      const stream = first.client.replay({ tenant: '', afterSequence: 0, follow: true, limit: 0 });
      for await (const { sequence } of stream) seen.push(sequence);
    })();
    const puts = Array.from({ length: 200 }, (_, k) =>
      first.client.put({ tenant: '', episode: episode(`e${k}`, { 1: 1 }), epoch: 0 }),
    );
    await Promise.all(puts);
    while (seen.length < 200) await new Promise((resolve) => setTimeout(resolve, 2));
    const restarting = first.restart();
    await ended;
    const second = await restarting;
    await second.client.put({ tenant: '', episode: episode('late', { 1: 1 }), epoch: 0 });
    const rest = await replayAll(second, '', seen.at(-1));
    expect([...seen, ...rest.map((entry) => entry.sequence)]).toEqual(
      Array.from({ length: 201 }, (_, k) => k + 1),
    );
  });

  test('goes on by the cursor of its caller when the connection reaches its age', async () => {
    const vault = await startVault({
      GRPC_MAX_CONNECTION_AGE_MS: '150',
      GRPC_MAX_CONNECTION_AGE_GRACE_MS: '50',
    });
    await withConcepts(vault);
    const seen: number[] = [];
    let streams = 0;
    const readUntilCut = async () => {
      streams += 1;
      const afterSequence = seen.at(-1) ?? 0;
      for await (const { sequence } of vault.client.replay({
        tenant: '',
        afterSequence,
        follow: true,
        limit: 20 - seen.length,
      })) {
        seen.push(sequence);
      }
    };
    const reading = (async () => {
      // A stream that the server cut is begun again; the cursor is all that is needed.
      while (seen.length < 20) await readUntilCut().catch(() => undefined);
    })();
    for (let k = 0; k < 20; k++) {
      await vault.client.put({ tenant: '', episode: episode(`e${k}`, { 1: 1 }), epoch: 0 });
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await reading;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, k) => k + 1));
    expect(streams).toBeGreaterThan(1);
  });

  test('honours its limit and refuses a negative cursor', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const episodes = Array.from({ length: 100 }, (_, k) => episode(`e${k}`, { 1: 1 }));
    await vault.client.batchPut([{ tenant: '', episodes, epoch: 0 }]);
    const some = await collect(
      vault.client.replay({ tenant: '', afterSequence: 10, follow: true, limit: 70 }),
    );
    expect(some.map((entry) => entry.sequence)).toEqual(Array.from({ length: 70 }, (_, k) => k + 11));
    await expect(replayAll(vault, '', -1)).rejects.toEqual(code('INVALID_ARGUMENT'));
  });
});

describe('reads by time and concept', () => {
  test('list goes by time, then id, within a range, and resumes after a cursor', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const times = new Map([
      ['old', -5],
      ['b', 10],
      ['a', 10],
      ['late', 5_000_000_000_000],
      ['c', 20],
    ]);
    const episodes = [...times].map(([id, time]) => episode(id, { 1: 1 }, time));
    await vault.client.batchPut([{ tenant: '', episodes, epoch: 0 }]);
    const list = async (wanted: object) => {
      const all = { tenant: '', fromUnixMs: undefined, toUnixMs: undefined, limit: 0, afterCursor: '' };
      return collect(vault.client.list({ ...all, ...wanted }));
    };
    const ids = (page: { episode: Episode | undefined }[]) => page.map((item) => item.episode?.id);
    expect(ids(await list({}))).toEqual(['old', 'a', 'b', 'c', 'late']);
    expect(ids(await list({ fromUnixMs: 10, toUnixMs: 20 }))).toEqual(['a', 'b']);
    const firstPage = await list({ limit: 2 });
    expect(ids(firstPage)).toEqual(['old', 'a']);
    expect(ids(await list({ afterCursor: firstPage.at(-1)!.cursor }))).toEqual(['b', 'c', 'late']);
    await expect(list({ afterCursor: 'AAAA' })).rejects.toEqual(code('INVALID_ARGUMENT'));
  });

  test('query finds by any or all concepts, newest first', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const episodes = [
      episode('ab', { 1: 1, 2: 1 }, 10),
      episode('a', { 1: 1 }, 30),
      episode('b', { 2: 1 }, 20),
      episode('other', { 3: 1 }, 40),
    ];
    await vault.client.batchPut([{ tenant: '', episodes, epoch: 0 }]);
    const query = async (concepts: number[], match: QueryMatch, wanted: object = {}) => {
      const conceptIds = encodeU32(Uint32Array.from(concepts));
      const request = { tenant: '', conceptIds, match, fromUnixMs: undefined, toUnixMs: undefined, limit: 0 };
      const found = await collect(vault.client.query({ ...request, ...wanted }));
      return found.map((item) => item.episode?.id);
    };
    expect(await query([1, 2, 2], QueryMatch.QUERY_MATCH_UNSPECIFIED)).toEqual(['a', 'b', 'ab']);
    expect(await query([1, 2, 2], QueryMatch.QUERY_MATCH_ALL)).toEqual(['ab']);
    expect(await query([1, 2], QueryMatch.QUERY_MATCH_ANY, { fromUnixMs: 20, toUnixMs: 30 })).toEqual(['b']);
    expect(await query([1, 2], QueryMatch.QUERY_MATCH_ANY, { limit: 1 })).toEqual(['a']);
    await expect(query([], QueryMatch.QUERY_MATCH_ANY)).rejects.toEqual(code('INVALID_ARGUMENT'));
  });

  test('rank puts the better match first and breaks ties by id', async () => {
    const vault = await startVault();
    await withConcepts(vault);
    const episodes = [
      episode('z-twin', { 1: 1, 5: 1 }),
      episode('a-twin', { 1: 1, 5: 1 }),
      episode('best', { 1: 1, 2: 1 }),
      episode('none', { 7: 1 }),
    ];
    await vault.client.batchPut([{ tenant: '', episodes, epoch: 0 }]);
    const cue = encodeActivations(
      sparseVector([
        [1, 1],
        [2, 1],
        [800, 1],
      ]),
    );
    const rank = async (limit: number) =>
      (await vault.client.rank({ tenant: '', cue, limit })).episodes.map((found) => found.id);
    expect(await rank(0)).toEqual(['best', 'a-twin', 'z-twin']);
    expect(await rank(2)).toEqual(['best', 'a-twin']);
    await expect(rank(1001)).rejects.toEqual(code('INVALID_ARGUMENT'));
  });
});

test('digests agree between vaults whose dictionaries differ, and tell content apart', async () => {
  const left = await startVault();
  const right = await startVault();
  await left.client.internConcepts({ tenant: '', names: ['tea', 'milk'] });
  await right.client.internConcepts({ tenant: '', names: ['x', 'milk', 'tea'] });
  const meta = { b: '2', a: '1' };
  const at = (id: string, concepts: Record<number, number>) => ({ ...episode(id, concepts), meta });
  await left.client.put({ tenant: '', episode: at('e', { 0: 1, 1: 0.25 }), epoch: 0 });
  const swapped = { ...at('e', { 2: 1, 1: 0.25 }), meta: { a: '1', b: '2' } };
  await right.client.put({ tenant: '', episode: swapped, epoch: 0 });
  await right.client.put({ tenant: '', episode: at('other', { 2: 1, 1: 0.5 }), epoch: 0 });
  await right.client.delete({ tenant: '', id: 'gone', epoch: 0, tombstoneIfAbsent: true });
  const ids = ['e', 'other', 'gone', 'absent'];
  const [here] = (await left.client.getDigests({ tenant: '', ids: ['e'] })).digests;
  const there = (await right.client.getDigests({ tenant: '', ids })).digests;
  expect(here?.sha256).toHaveLength(32);
  expect(there.map((digest) => digest.state)).toEqual([
    EpisodeState.EPISODE_STATE_STORED,
    EpisodeState.EPISODE_STATE_STORED,
    EpisodeState.EPISODE_STATE_DELETED,
    EpisodeState.EPISODE_STATE_ABSENT,
  ]);
  expect(there[0]?.sha256).toEqual(here?.sha256);
  expect(there[1]?.sha256).not.toEqual(here?.sha256);
});

test('publishes stored and deleted episodes of all tenants in one order', async () => {
  const vault = await startVault();
  await withConcepts(vault);
  await withConcepts(vault, 'acme');
  await vault.client.put({ tenant: '', episode: episode('a', { 1: 1 }), epoch: 0 });
  await vault.client.put({ tenant: 'acme', episode: episode('b', { 1: 1 }), epoch: 0 });
  const abort = new AbortController();
  const events: unknown[] = [];
  const subscribed = subscribeEvents({
    address: vault.address,
    token,
    after: 1,
    signal: abort.signal,
    onEvent: ({ sequence, type, tenant, attributes }) => {
      events.push([sequence, type, tenant, attributes['id'], attributes['sequence']]);
      if (events.length === 2) abort.abort();
    },
  });
  await vault.client.delete({ tenant: '', id: 'a', epoch: 0, tombstoneIfAbsent: false });
  await subscribed;
  expect(events).toEqual([
    [2, 'episode.stored', 'acme', 'b', '1'],
    [3, 'episode.deleted', 'default', 'a', '2'],
  ]);
});

test('gauges move with their causes', async () => {
  const vault = await startVault();
  const value = async (name: string, labels = '') => {
    const line = (await vault.metrics())
      .split('\n')
      .find((text) => text.startsWith(name) && text.includes(labels));
    return Number(line?.split(' ').at(-1));
  };
  expect(await value('vault_episode_count')).toBe(0);
  await withConcepts(vault);
  expect(await value('vault_last_sequence')).toBe(0);
  const one = episode('a', { 1: 1 });
  await vault.client.put({ tenant: '', episode: one, epoch: 0 });
  await vault.client.put({ tenant: '', episode: one, epoch: 0 });
  await expect(vault.client.put({ tenant: '', episode: undefined, epoch: 0 })).rejects.toThrow();
  expect(await value('vault_episode_count')).toBe(1);
  for (const result of ['stored', 'duplicate', 'refused']) {
    expect(await value('vault_puts_total', `result="${result}"`)).toBe(1);
  }
  await vault.client.delete({ tenant: '', id: 'a', epoch: 0, tombstoneIfAbsent: false });
  expect(await value('vault_episode_count')).toBe(0);
  expect(await value('vault_last_sequence')).toBe(2);
  expect(await value('vault_size_mb')).toBeGreaterThan(0);
});

describe('the disk', () => {
  test('below the watermark nothing new is stored, and reads and deletes go on', async () => {
    const first = await startVault();
    await withConcepts(first);
    await first.client.put({ tenant: '', episode: episode('a', { 1: 1 }), epoch: 0 });
    const { client } = await first.restart({ VAULT_MIN_FREE_BYTES: String(Number.MAX_SAFE_INTEGER) });
    const b = episode('b', { 1: 1 });
    await expect(client.put({ tenant: '', episode: b, epoch: 0 })).rejects.toEqual(
      code('RESOURCE_EXHAUSTED'),
    );
    await expect(client.batchPut([{ tenant: '', episodes: [b], epoch: 0 }])).rejects.toEqual(
      code('RESOURCE_EXHAUSTED'),
    );
    await expect(client.internConcepts({ tenant: '', names: ['new'] })).rejects.toEqual(
      code('RESOURCE_EXHAUSTED'),
    );
    await client.internConcepts({ tenant: '', names: ['c1'] });
    expect((await client.get({ tenant: '', id: 'a' })).sequence).toBe(1);
    expect(await client.delete({ tenant: '', id: 'a', epoch: 0, tombstoneIfAbsent: false })).toEqual({
      deleted: true,
      sequence: 2,
    });
  });

  test('a DATA_DIR that cannot be made is a configuration error that names it', async () => {
    const home = await mkdtemp(join(tmpdir(), 'vault-'));
    cleanups.push(() => rm(home, { recursive: true }));
    const file = join(home, randomUUID());
    await writeFile(file, 'not a folder');
    await expect(startVault({ DATA_DIR: join(file, 'data') })).rejects.toEqual(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(/^DATA_DIR = /) }),
    );
    await writeFile(join(home, 'vault.mdb'), 'x'.repeat(100_000));
    await expect(startVault({ DATA_DIR: home })).rejects.toEqual(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(/^DATA_DIR = /) }),
    );
  });
});
