import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { open } from 'lmdb';
import { encodeActivations, sparseVector } from '../common/activations/activations.js';
import { segmentSize } from './domain/segment.js';
import { sweep } from './retention.js';
import type { PreparedEpisode } from './storage/changes.js';
import { DiskGuard } from './storage/disk-guard.js';
import { prepareEpisode } from './validation.js';
import { Vault } from './vault.js';

const tenant = 'default';
const dayMs = 86_400_000;

let folder: string;
let vault: Vault;
/** The vault's clock. */
let now = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vault-'));
  now = 1_000 * dayMs;
  openVault();
  await vault.intern(
    tenant,
    Array.from({ length: 32 }, (_, k) => `c${k}`),
  );
});

afterEach(async () => {
  await vault.close();
  await rm(folder, { recursive: true });
});

function openVault(): void {
  vault = new Vault({
    folder,
    guard: new DiskGuard(folder, 0, () => now),
    now: () => now,
    onChange: () => undefined,
    onBackgroundError: (error) => {
      throw error;
    },
  });
}

async function reopen(): Promise<void> {
  await vault.close();
  openVault();
}

/** Episode k holds concept 0, the concepts of its number's bits, and comes at time k. */
function numbered(k: number): PreparedEpisode {
  const bits = Array.from({ length: 20 }, (_, bit) => bit).filter((bit) => (k >> bit) & 1);
  const pairs = [0, ...bits.map((bit) => bit + 1)].map((id) => [id, 1 + (k % 3)] as const);
  const activations = encodeActivations(sparseVector(pairs));
  return prepareEpisode({ id: `e${k}`, timeUnixMs: k, source: '', meta: {}, activations }, 32, 'episode');
}

async function fill(from: number, to: number): Promise<void> {
  const batches: Promise<unknown>[] = [];
  for (let first = from; first < to; first += 512) {
    const size = Math.min(512, to - first);
    batches.push(
      vault.store(
        tenant,
        Array.from({ length: size }, (_, k) => numbered(first + k)),
        0,
      ),
    );
  }
  await Promise.all(batches);
}

const cue = sparseVector([
  [3, 1],
  [5, 0.5],
  [11, 2],
]);

function answers() {
  const wanted = { concepts: Uint32Array.of(3, 7), atLeast: 2, fromUnixMs: 100, toUnixMs: 9_000, limit: 500 };
  return { ranked: vault.rank(tenant, cue, 50), queried: vault.query(tenant, wanted) };
}

function expectSameAnswers(before: ReturnType<typeof answers>, after: ReturnType<typeof answers>): void {
  expect(after.queried).toEqual(before.queried);
  expect(after.ranked.map(({ id }) => id)).toEqual(before.ranked.map(({ id }) => id));
  after.ranked.forEach(({ score }, k) => expect(score).toBeCloseTo(before.ranked[k]!.score, 6));
}

describe('the concept index', () => {
  test('answers alike open, sealed, and opened again', async () => {
    await fill(0, segmentSize - 1);
    const { index } = vault.tenant(tenant)!;
    expect(index.segments.map(({ sealed }) => sealed)).toEqual([false]);
    await fill(segmentSize - 1, 2 * segmentSize + 100);
    const before = answers();
    expect(before.ranked).toHaveLength(50);
    expect(before.queried).toHaveLength(500);
    await vault.settled();
    expect(index.segments.map(({ sealed }) => sealed)).toEqual([true, true, false]);
    expectSameAnswers(before, answers());
    await reopen();
    expect(vault.tenant(tenant)!.index.segments.map(({ sealed }) => sealed)).toEqual([true, true, false]);
    expectSameAnswers(before, answers());
  });

  test('forgets what is deleted, from open and from sealed segments, also after opening again', async () => {
    await fill(0, segmentSize + 100);
    await vault.settled();
    const gone = [...vault.rank(tenant, cue, 20), { id: `e${segmentSize + 3}` }].map(({ id }) => id);
    for (const id of gone) await vault.delete(tenant, { id, epoch: 0, tombstoneIfAbsent: false });
    const before = answers();
    expect(before.ranked.filter(({ id }) => gone.includes(id))).toEqual([]);
    await reopen();
    expectSameAnswers(before, answers());
  });

  test('loses nothing when the vault is closed while it seals', async () => {
    await fill(0, segmentSize);
    const before = answers();
    await reopen();
    await vault.settled();
    expect(vault.tenant(tenant)!.index.segments.map(({ sealed }) => sealed)).toEqual([true]);
    expectSameAnswers(before, answers());
  });
});

describe('retention', () => {
  const retention = { days: 30, intervalMs: 1, now: () => now };

  test('drops what was written before, keeps tombstones, and gives no sequence twice', async () => {
    await fill(0, 10);
    await vault.delete(tenant, { id: 'e3', epoch: 0, tombstoneIfAbsent: false });
    now += 20 * dayMs;
    await fill(10, 15);
    expect(await sweep(vault, retention)).toBe(0);
    now += 11 * dayMs;
    expect(await sweep(vault, retention)).toBe(9);
    const kinds = () => vault.entries(tenant, 0, 100).map(({ sequence, entry }) => [sequence, entry?.$case]);
    const left = [[11, 'deleted'], ...[12, 13, 14, 15, 16].map((sequence) => [sequence, 'stored'])];
    expect(kinds()).toEqual(left);
    expect(vault.findId(tenant, 'e1')).toBeUndefined();
    expect(
      vault.byTime(tenant, { fromUnixMs: undefined, toUnixMs: undefined, after: undefined }, 9),
    ).toHaveLength(5);
    expect(vault.read(0, 100).map(({ sequence }) => sequence)).toEqual([11, 12, 13, 14, 15, 16]);
    now += 30 * dayMs;
    expect(await sweep(vault, retention)).toBe(5);
    await reopen();
    expect(kinds()).toEqual([[11, 'deleted']]);
    expect(vault.tenant(tenant)!.counts).toEqual({ lastSequence: 16, episodes: 0, tombstones: 1 });
    expect(await vault.store(tenant, [numbered(1)], 0)).toEqual([{ sequence: 17, duplicate: false }]);
  });

  test('removes the index of segments of which nothing is left, and keeps no age for 0 days', async () => {
    await fill(0, segmentSize);
    await vault.settled();
    now += 31 * dayMs;
    await fill(segmentSize, segmentSize + 5);
    expect(await sweep(vault, { ...retention, days: 0 })).toBe(0);
    expect(await sweep(vault, retention)).toBe(segmentSize);
    const segments = () => vault.tenant(tenant)!.index.segments.map(({ number, live }) => [number, live]);
    expect(segments()).toEqual([[1, 5]]);
    await reopen();
    await vault.settled();
    expect(segments()).toEqual([[1, 5]]);
    expect(vault.rank(tenant, sparseVector([[0, 1]]), 10)).toHaveLength(5);
  });
});

describe('files', () => {
  test('of a newer format are refused, naming DATA_DIR', async () => {
    await vault.close();
    const root = open<Buffer, Buffer>(join(folder, 'vault.mdb'), { noSubdir: true, maxDbs: 16 });
    const meta = root.openDB<Buffer, Buffer>('meta', { encoding: 'binary', keyEncoding: 'binary' });
    const format = Buffer.from('format');
    await meta.put(format, Buffer.from('2'));
    await root.close();
    expect(() => openVault()).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        message: expect.stringMatching(/^DATA_DIR = .*format 2; this version reads format 1$/),
      }),
    );
    const again = open<Buffer, Buffer>(join(folder, 'vault.mdb'), { noSubdir: true, maxDbs: 16 });
    await again
      .openDB<Buffer, Buffer>('meta', { encoding: 'binary', keyEncoding: 'binary' })
      .put(format, Buffer.from('1'));
    await again.close();
    openVault();
  });
});

describe('the disk guard', () => {
  test('refuses below its watermark and measures again after a while', () => {
    const guard = new DiskGuard(folder, Number.MAX_SAFE_INTEGER, () => now);
    expect(() => guard.check()).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }));
    expect(() => new DiskGuard(folder, 0, () => now).check()).not.toThrow();
  });

  test('tells a full disk from other failures', () => {
    const guard = new DiskGuard(folder, 0, () => now);
    expect(guard.writeError(new Error('MDB_MAP_FULL: too big')).code).toBe('RESOURCE_EXHAUSTED');
    expect(guard.writeError(new Error('Input/output error')).code).toBe('INTERNAL');
  });
});
