import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Mcp, Progress } from '../../lib/mcpClient/index.js';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import { encodeF32, encodeU32 } from '../../services/common/activations/activations.js';
import { connect } from '../../services/common/clients/client.js';
import { ConceptDictionary } from '../../services/common/concepts/dictionary.js';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import { Memory } from './memory.js';
import { scriptedSleep, type Script } from './scripted-sleep.js';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('memory.sleep', () => {
  let script: Script;
  let scheduler: ServiceHandle;
  let memory: Memory;
  let mcp: Mcp;

  beforeEach(async () => {
    const scripted = scriptedSleep();
    script = scripted.script;
    memory = await Memory.start();
    scheduler = await startService(scripted.description, memory.serviceEnv('stable', 'sleep'));
    await memory.route({ sleep: `127.0.0.1:${scheduler.grpcPort}` });
    mcp = memory.client();
  });
  afterEach(async () => {
    await memory.stop();
    await scheduler.drain();
  });

  test('waits for the end, tells each cycle once and returns the energies', async () => {
    const told: Progress[] = [];
    const sleep = mcp('memory.sleep', { once: false }, { onProgress: (progress) => told.push(progress) });
    await until(() => script.runs.has('run-1'));
    script.cycle('run-1');
    await until(() => told.length === 1);
    script.cycle('run-1');
    await until(() => told.length === 2);
    script.end('run-1');
    expect(await sleep).toMatchObject({
      runs: [
        {
          track: 'stable',
          runId: 'run-1',
          state: 'succeeded',
          cycles: [{ cycle: 1, energyBefore: -1, energyAfter: -2, accepted: true }, { cycle: 2 }],
        },
      ],
      failures: [],
    });
    expect(told).toEqual([
      { progress: 1, message: 'stable: cycle 1, energy -1.000 -> -2.000, accepted' },
      { progress: 2, message: 'stable: cycle 2, energy -1.000 -> -2.000, accepted' },
    ]);
  });

  test('a client that gives up stops the run in the service', async () => {
    const abort = new AbortController();
    const sleep = mcp('memory.sleep', { once: false }, { signal: abort.signal });
    const refused = expect(sleep).rejects.toThrow();
    await until(() => script.runs.has('run-1'));
    abort.abort();
    await refused;
    await until(() => script.runs.get('run-1')!.state === JobState.JOB_STATE_CANCELLED);
  });

  test('waits for its turn, and does not stop a run that is not its own', async () => {
    const scheduled = script.begin();
    const abort = new AbortController();
    const impatient = mcp('memory.sleep', {}, { signal: abort.signal });
    const refused = expect(impatient).rejects.toThrow();
    const patient = mcp('memory.sleep', {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    abort.abort();
    await refused;
    expect(script.runs.get(scheduled)!.state).toBe(JobState.JOB_STATE_RUNNING);
    script.end(scheduled);
    await until(() => script.runs.size === 2);
    script.end('run-2');
    expect(await patient).toMatchObject({ runs: [{ runId: 'run-2' }] });
  });
});

describe('recall, prune and kcl_status', () => {
  let memory: Memory;
  let mcp: Mcp;

  // Tea goes with cup strongly and with lemon weakly; desk stands alone.
  beforeAll(async () => {
    memory = await Memory.start();
    mcp = memory.client();
    const { token } = memory;
    const { vault: vaultAddress, pruner: prunerAddress } = memory.services('stable');
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, vaultAddress, { token });
    const pruner = connect<SparsePrunerServer>(SparsePrunerService, prunerAddress, { token });
    await new ConceptDictionary(vault, 'default').intern(['tea', 'cup', 'lemon', 'desk']);
    const chunk = {
      nodeIds: encodeU32(Uint32Array.of(0, 1, 2, 3)),
      nodeCounts: encodeF32(Float32Array.of(30, 30, 30, 30)),
      edgeA: encodeU32(Uint32Array.of(0, 0)),
      edgeB: encodeU32(Uint32Array.of(1, 2)),
      edgeWeights: encodeF32(Float32Array.of(2, 0.005)),
      edgeSupport: encodeF32(Float32Array.of(25, 10)),
    };
    await pruner.loadGraph([{ tenant: 'default', cursor: 0, episodes: 100, chunk }]);
    vault.close();
    pruner.close();
    await mcp('memory.put', { episodeBlob: { concepts: { cup: 1 } }, id: 'a-cup', source: 'kitchen' });
    await mcp('memory.put', {
      episodeBlob: { concepts: { tea: 1, desk: 0.2 } },
      id: 'tea-at-the-desk',
      time: 5,
    });
    await mcp('memory.put', { episodeBlob: { concepts: { desk: 1 } }, id: 'a-desk' });
  });
  afterAll(() => memory.stop());

  test('recall completes the cue and finds what only the completion names', async () => {
    const { completed, episodes } = await mcp('memory.recall', { concepts: ['tea', 'never-seen'], k: 3 });
    expect(completed[0]).toMatchObject({ concept: 'cup' });
    expect(completed.map(({ concept }) => concept)).not.toContain('tea');
    expect(episodes[0]).toMatchObject({
      id: 'tea-at-the-desk',
      time: 5,
      source: '',
      meta: {},
      track: 'stable',
    });
    expect(episodes.map(({ id }) => id)).toContain('a-cup');
    expect(episodes.find(({ id }) => id === 'a-cup')).toMatchObject({ source: 'kitchen' });
  });

  test('a batch is answered in its order; unseen words recall nothing and are not learned', async () => {
    const { answers } = await mcp('memory.recall', {
      k: 2,
      cues: [
        { id: 'unseen', text: 'zeppelin' },
        { id: 'text', text: 'The desk!' },
        { id: 'concepts', concepts: { tea: 2 } },
      ],
    });
    expect(answers).toMatchObject([
      { id: 'unseen', results: [], completed: [] },
      { id: 'text', results: [{ id: 'a-desk' }, { id: 'tea-at-the-desk' }] },
      { id: 'concepts', completed: [{ concept: 'cup' }, {}] },
    ]);
    const { token } = memory;
    const vault = connect<EpisodicVaultServer>(EpisodicVaultService, memory.services('stable').vault, {
      token,
    });
    expect((await vault.getStats({ tenant: '' })).conceptCount).toBe(4);
    vault.close();
  });

  test('prune tells first and removes when asked to', async () => {
    const dry = await mcp('memory.prune', { threshold: 0.01 });
    expect(dry).toMatchObject({
      dryRun: true,
      runs: [{ edgesBefore: 2, edgesAfter: 1, examples: [{ a: 'tea', b: 'lemon' }] }],
    });
    const done = await mcp('memory.prune', { threshold: 0.01, dryRun: false });
    expect(done).toMatchObject({
      dryRun: false,
      runs: [{ state: 'succeeded', edgesBefore: 2, edgesAfter: 1 }],
    });
    expect(await mcp('memory.prune', {})).toMatchObject({ runs: [{ edgesBefore: 1 }] });
  });

  test('kcl_status says what the learner is waiting for', async () => {
    const { tracks } = await mcp('memory.kcl_status', {});
    expect(tracks).toMatchObject([{ track: 'stable', fitted: false, modes: [] }]);
    expect(tracks[0]!.reason).toMatch(/a fit needs/);
  });
});
