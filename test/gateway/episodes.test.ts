import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Mcp, ToolName } from '../../lib/mcpClient/index.js';
import { connect } from '../../services/common/clients/client.js';
import { ConceptDictionary } from '../../services/common/concepts/dictionary.js';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import { Memory } from './memory.js';

let memory: Memory;
let mcp: Mcp;

beforeAll(async () => {
  memory = await Memory.start({ GATEWAY_VERIFY_SHARE: '1' });
  mcp = memory.client();
});
afterAll(() => memory.stop());

const concepts = { coffee: 0.1, 'зелёный чай': 1, constructor: 0.75 };

describe('memory.put and memory.get', () => {
  test('an episode is read back as it was put', async () => {
    const put = await mcp('memory.put', {
      episodeBlob: { concepts },
      id: 'e-1',
      time: '2026-11-22T10:00:00Z',
      source: 'test',
      meta: { mood: 'good' },
    });
    expect(put).toMatchObject({ episodeId: 'e-1', track: 'stable', duplicate: false, sequence: 1 });
    expect(await mcp('memory.get', { id: 'e-1' })).toEqual({
      id: 'e-1',
      time: Date.UTC(2026, 10, 22, 10),
      source: 'test',
      meta: { mood: 'good' },
      concepts,
      sequence: 1,
      track: 'stable',
    });
  });

  test('routes by the contract', async () => {
    expect(await mcp('memory.put', { episodeBlob: 'green tea', id: 'episode-1' })).toMatchObject({
      shard: 1317,
    });
  });

  test('text becomes concepts', async () => {
    const { episodeId } = await mcp('memory.put', { episodeBlob: 'The committee approved the budget.' });
    const stored = await mcp('memory.get', { id: episodeId });
    expect(Object.keys(stored.concepts)).toEqual(expect.arrayContaining(['committee', 'budget']));
  });

  test('an Episode message carries ids of the stable vault, and its own id and labels', async () => {
    const token = memory.token;
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, memory.services('stable').vault, {
      token,
    });
    const activations = await new ConceptDictionary(vault, 'default').encode(
      new Map([
        ['tea', 0.5],
        ['cup', 1],
      ]),
    );
    vault.close();
    const message = { id: 'from-message', timeUnixMs: 7, source: 'wire', meta: { a: 'b' }, activations };
    const episodeBlob = Buffer.from(Episode.encode(message).finish()).toString('base64');
    await mcp('memory.put', { episodeBlob, source: 'argument' });
    expect(await mcp('memory.get', { id: 'from-message' })).toMatchObject({
      time: 7,
      source: 'argument',
      meta: { a: 'b' },
      concepts: { tea: 0.5, cup: 1 },
    });
  });

  test('the same content is stored once, with and without an id and a time', async () => {
    const blob = { episodeBlob: { concepts: { once: 1 } } };
    const first = await mcp('memory.put', blob);
    const again = await mcp('memory.put', blob);
    expect(again).toEqual({ ...first, duplicate: true });
    expect(await mcp('memory.put', { ...blob, time: 1 })).toMatchObject({ duplicate: false });

    const named = { ...blob, id: 'named' };
    expect(await mcp('memory.put', named)).toMatchObject({ duplicate: false });
    expect(await mcp('memory.put', named)).toMatchObject({ duplicate: true });
    await expect(mcp('memory.put', { ...named, meta: { other: 'label' } })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    await expect(mcp('memory.put', { ...named, time: 5 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('concurrent puts of the same content are one episode', async () => {
    const blob = { episodeBlob: { concepts: { concurrent: 1, put: 0.5 } } };
    const puts = await Promise.all(Array.from({ length: 16 }, () => mcp('memory.put', blob)));
    expect(new Set(puts.map(({ sequence }) => sequence)).size).toBe(1);
    expect(puts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  });

  test('tenants do not see each other', async () => {
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'mine', tenant: 'acme' });
    await expect(mcp('memory.get', { id: 'mine' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await mcp('memory.get', { id: 'mine', tenant: 'acme' })).concepts).toEqual(concepts);
  });
});

describe('memory.forget', () => {
  test('deletes for good', async () => {
    await mcp('memory.put', { episodeBlob: { concepts }, id: 'gone' });
    expect(await mcp('memory.forget', { id: 'gone' })).toEqual({ id: 'gone', deleted: true });
    expect(await mcp('memory.forget', { id: 'gone' })).toEqual({ id: 'gone', deleted: false });
    await expect(mcp('memory.get', { id: 'gone' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(mcp('memory.put', { episodeBlob: { concepts }, id: 'gone' })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
    });
  });

  test('an unknown id is not spoiled', async () => {
    await expect(mcp('memory.forget', { id: 'later' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await mcp('memory.put', { episodeBlob: { concepts }, id: 'later' })).toMatchObject({
      duplicate: false,
    });
  });
});

describe('wrong input', () => {
  test.each([
    [
      'memory.put',
      { episodeBlob: { concepts, text: 'tea' } },
      /^INVALID_ARGUMENT: episodeBlob\.text: unknown/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: { tea: NaN } } },
      /^INVALID_ARGUMENT: episodeBlob\.concepts\.tea: null is not accepted; expected number/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: JSON.parse('{"__proto__": 1}') as object } },
      /__proto__: 1 is not accepted/,
    ],
    [
      'memory.put',
      { episodeBlob: 'tea', meta: JSON.parse('{"__proto__": "x"}') as object },
      /^INVALID_ARGUMENT: meta\.__proto__/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: { ['x'.repeat(300)]: 1 } } },
      /^INVALID_ARGUMENT: names\[0\]: /,
    ],
    ['memory.put', { episodeBlob: 'tea', id: 'a\u0000b' }, /^INVALID_ARGUMENT: .*id: /],
    [
      'memory.put',
      { episodeBlob: 'tea', tenant: 'No Such' },
      /^INVALID_ARGUMENT: tenant: "No Such" is not accepted; expected 1 to 63/,
    ],
    ['memory.put', { episodeBlob: 'tea', time: '2026-13-40' }, /^INVALID_ARGUMENT: time: "2026-13-40"/],
    [
      'memory.recall',
      {},
      /^INVALID_ARGUMENT: concepts, text: "neither" is not accepted; expected exactly one of the two/,
    ],
    ['memory.recall', { concepts: ['tea'], text: 'tea' }, /^INVALID_ARGUMENT: concepts, text: "both"/],
    ['memory.recall', { concepts: ['tea'], cues: [{ id: '1', text: 'tea' }] }, /^INVALID_ARGUMENT: cues: /],
    [
      'memory.recall',
      { cues: [{ id: '1', text: 'tea' }, { id: '2' }] },
      /^INVALID_ARGUMENT: cues\[1\]\.concepts, cues\[1\]\.text: "neither"/,
    ],
  ])('%s of %j is refused in one line', async (tool, args, message) => {
    const failure = mcp(tool as ToolName, args as never);
    await expect(failure).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.not.toThrow(/\n/);
  });

  test.each(['memory.nothing', '__proto__', 'constructor', 'toString'])(
    'there is no tool %s',
    async (tool) => {
      await expect(mcp(tool as ToolName, {})).rejects.toThrow(/not found|disabled/);
    },
  );
});

test('metrics tell tool, code and track, and no read-back found a difference', async () => {
  const requests = await memory.samples('gateway_requests_total');
  expect(requests.get('{tool="memory.put",code="OK",track="stable"}')).toBeGreaterThan(5);
  expect(requests.get('{tool="memory.put",code="ALREADY_EXISTS",track="stable"}')).toBe(2);
  expect(requests.get('{tool="memory.recall",code="INVALID_ARGUMENT",track="none"}')).toBe(4);
  const checks = await memory.samples('gateway_put_get_checks_total');
  expect(checks.get('{track="stable"}')).toBeGreaterThan(5);
  const mismatches = await memory.samples('gateway_put_get_mismatch_total');
  expect([...mismatches]).toEqual([
    ['{track="stable"}', 0],
    ['{track="canary"}', 0],
  ]);
  expect([...(await memory.samples('gateway_shard_table_epoch')).values()]).toEqual([1]);
});
