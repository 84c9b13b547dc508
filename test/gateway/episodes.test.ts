import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Mcp } from '../../lib/mcpClient/index.js';
import { Memory } from './memory.js';

describe('one track', () => {
  let memory: Memory;
  let mcp: Mcp;

  beforeAll(async () => {
    memory = await Memory.start();
    mcp = memory.client();
  });
  afterAll(() => memory.stop());

  test('an episode is read back as it was put', async () => {
    const concepts = { coffee: 0.1, 'зелёный чай': 1, constructor: 0.75 };
    const put = await mcp('memory.put', {
      episodeBlob: { concepts },
      id: 'e-1',
      time: '2026-11-22T10:00:00Z',
      source: 'test',
      meta: { mood: 'good' },
    });
    expect(put).toEqual({
      episodeId: 'e-1',
      shard: expect.any(Number),
      track: 'stable',
      duplicate: false,
      sequence: 1,
    });
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
});
