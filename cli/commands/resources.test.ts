import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { homeOf } from '../../operator/platform/local/home.js';
import { ResourceStore } from '../../operator/platform/local/resources/store.js';
import { parse } from 'yaml';
import { tori as runTori, type Answer } from '../../test/cli/captured-terminal.js';
import { reported, worldIn } from '../../test/cli/reported.js';
import { tuningOf } from '../../test/cli/tuning.js';
import { wrongManifests } from '../../test/manifests/wrong.js';

const cluster = `apiVersion: memory.tori.dev/v1alpha1
kind: MemoryCluster
metadata: { name: demo }
spec: { version: "1.0", tuningProfileRef: { name: fast } }
`;
const profile = `apiVersion: memory.tori.dev/v1alpha1
kind: TuningProfile
metadata: { name: fast }
spec: { mode: Auto }
`;

let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  env = { TORI_HOME: await mkdtemp(join(tmpdir(), 'tori-cli-')) };
});
afterEach(async () => {
  await rm(env['TORI_HOME']!, { recursive: true });
});

async function tori(...args: string[]): Promise<Answer> {
  return runTori(args, { env });
}

async function apply(stdin: string): Promise<Answer> {
  return runTori(['apply', '-f', '-'], { env, stdin });
}

/** Answers actions as the operator does, until the returned function is called. */
function operatorThat(outcome: 'Accepted' | 'Refused', message: string): () => Promise<void> {
  const store = new ResourceStore(homeOf(env));
  const stop = new AbortController();
  const work = (async () => {
    while (!stop.signal.aborted) {
      const action = store
        .read()
        .resources.find(({ kind, status }) => kind === 'MemoryAction' && status === undefined);
      if (action !== undefined) {
        const handledAt = new Date().toISOString();
        store.writeStatus(action, { observedGeneration: 1, outcome, message, handledAt, conditions: [] });
      }
      await sleep(20);
    }
  })();
  return async () => {
    stop.abort();
    await work;
  };
}

describe('apply', () => {
  test('creates, leaves alone and changes what a file holds', async () => {
    const file = join(env['TORI_HOME']!, 'all.yaml');
    await writeFile(file, `${cluster}---\n${profile}`);
    expect(await tori('apply', '-f', file)).toEqual({
      code: 0,
      stdout: 'memorycluster/demo created\ntuningprofile/fast created\n',
      stderr: '',
    });
    expect((await apply(cluster.replace('1.0', '1.1'))).stdout).toBe('memorycluster/demo configured\n');
    const written = await readFile(join(env['TORI_HOME']!, 'resources', 'memorycluster-demo.yaml'), 'utf8');
    expect(written).toContain('version: "1.1"');
  });

  test.each(wrongManifests.map((wrong) => [wrong.name, wrong] as const))(
    'refuses %s with path and reason, and applies nothing',
    async (_name, { yaml, path, reason }) => {
      const { code, stdout, stderr } = await apply(`${yaml}---\n${profile}`);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain(path);
      expect(stderr).toMatch(reason);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect((await tori('get', 'tp', '-o', 'json')).stdout).toContain('"items": []');
    },
  );

  test('tells all problems of all documents at once', async () => {
    const wrong = cluster.replace('version: "1.0"', 'version: 7, colour: red');
    const { code, stderr } = await apply(`${wrong}---\n${profile.replace('Auto', 'Sometimes')}`);
    expect(code).toBe(4);
    expect(stderr).toContain('-: MemoryCluster/demo: spec.version: Invalid value: 7');
    expect(stderr).toContain('spec.colour');
    expect(stderr).toContain('-: TuningProfile/fast: spec.mode: Invalid value: "Sometimes"');
  });

  test('refuses what the local platform cannot run', async () => {
    const { code, stderr } = await apply(
      cluster.replace('spec: {', 'spec: { services: { sleep: { image: "x:1" } },'),
    );
    expect(code).toBe(4);
    expect(stderr).toContain('spec.services.sleep.image');
  });

  test.each([
    ['broken YAML', 'a: [', 4, 'not valid YAML'],
    ['an empty file', '', 4, 'no manifest'],
    ['a scalar', 'hello', 4, 'a manifest has apiVersion'],
  ])('refuses %s in one line', async (_what, content, expected, reason) => {
    const { code, stderr } = await apply(content);
    expect(code).toBe(expected);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(reason);
  });

  test('says that a file is not there', async () => {
    expect(await tori('apply', '-f', '/nowhere.yaml')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('/nowhere.yaml'),
    });
  });
});

describe('get', () => {
  beforeEach(async () => {
    await apply(`${cluster}---\n${profile}`);
  });

  test('prints a Kubernetes list of several kinds with metadata, spec and status', async () => {
    const store = new ResourceStore(homeOf(env));
    const [stored] = store.read().resources.filter(({ kind }) => kind === 'MemoryCluster');
    store.writeStatus(stored!, { phase: 'Ready', conditions: [] });
    const { stdout } = await tori('get', 'mc,tp', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          kind: 'MemoryCluster',
          metadata: { name: 'demo', generation: 1 },
          spec: { version: '1.0' },
          status: { phase: 'Ready' },
        },
        { kind: 'TuningProfile', metadata: { name: 'fast' }, spec: { mode: 'Auto' } },
      ],
    });
  });

  test('prints one resource by name, also as YAML', async () => {
    expect(JSON.parse((await tori('get', 'memorycluster', 'demo', '-o', 'json')).stdout)).toMatchObject({
      kind: 'MemoryCluster',
      spec: { version: '1.0' },
    });
    expect((await tori('get', 'tp', 'fast', '-o', 'yaml')).stdout).toContain('mode: Auto');
  });

  test('prints columns for people', async () => {
    const { stdout } = await tori('get', 'mc,tp');
    expect(stdout).toMatch(/^NAME +READY +PHASE/);
    expect(stdout).toMatch(/^demo +<none>/m);
    expect(stdout).toMatch(/^fast +Auto +Stable/m);
  });

  test.each([
    [['get', 'mc', 'absent'], 3, 'there is no MemoryCluster named "absent"'],
    [['get', 'pods'], 2, 'kind: "pods" is not accepted; expected mc'],
    [['get', 'mc,tp', 'demo'], 2, 'a name goes with one kind'],
    [['describe', 'tp', 'absent'], 3, 'there is no TuningProfile named "absent"'],
  ])('%j ends with %d', async (args, code, message) => {
    expect(await tori(...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('warns of a file that cannot be used and shows the others', async () => {
    await writeFile(join(env['TORI_HOME']!, 'resources', 'broken.yaml'), 'kind: [');
    const { code, stdout, stderr } = await tori('get', 'mc');
    expect(code).toBe(0);
    expect(stdout).toContain('demo');
    expect(stderr).toContain('warning: broken.yaml');
  });
});

test('describe shows conditions, spec and status', async () => {
  await apply(cluster);
  expect((await tori('describe', 'mc', 'demo')).stdout).toContain('none yet: is `tori up` running?');
  const store = new ResourceStore(homeOf(env));
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'AllReady',
    message: 'every service is ready',
    lastTransitionTime: new Date().toISOString(),
  };
  store.writeStatus(store.read().resources[0]!, { phase: 'Ready', conditions: [condition] });
  const { stdout } = await tori('describe', 'mc', 'demo');
  expect(stdout).toMatch(/^NAME +demo$/m);
  expect(stdout).toMatch(/^Ready +True +\d+s +AllReady +every service is ready$/m);
  expect(stdout).toContain('version: "1.0"');
  expect(stdout).toContain('phase: Ready');
});

describe('the commands of kubectl tori, on files', () => {
  beforeEach(async () => {
    await apply(`${cluster}---\n${profile}`);
    const world = worldIn('Stable');
    const store = new ResourceStore(homeOf(env));
    const stored = store.read().resources.find(({ kind }) => kind === 'MemoryCluster')!;
    const { status } = reported(world, { tuning: tuningOf(Date.now()) });
    store.writeStatus(stored, { ...status, observedGeneration: 1 });
  });

  test('status, explain and history read what the operator of this machine has written', async () => {
    const { stdout } = await tori('status', 'demo');
    expect(stdout).toMatch(/^demo {2}MemoryCluster {2}Ready$/m);
    expect(stdout).toContain('├─ tuning  profile fast, mode Auto');
    expect((await tori('explain')).stdout).toMatch(/TUNING {2}profile fast, evaluated \d+s ago/);
    expect((await tori('history', '-o', 'json')).stdout).toContain('"rule": "energy-drop-low"');
    expect((await tori('status', '-A')).code).toBe(2);
  });

  test('status --timeout tells in time that nothing is decided', async () => {
    await apply(cluster.replace('1.0', '1.1'));
    const { code, stderr } = await tori('status', 'demo', '--timeout', '300ms');
    expect(code).toBe(12);
    expect(stderr).toContain('demo: no outcome within 300ms: the operator reads the spec');
  });

  test('pin changes the file and writes no default into it', async () => {
    const written = () => readFile(join(env['TORI_HOME']!, 'resources', 'tuningprofile-fast.yaml'), 'utf8');
    expect((await tori('pin', 'fast', 'dmdRank=75', 'annealT0=3')).code).toBe(0);
    expect(parse(await written())).toMatchObject({
      spec: { mode: 'Auto', parameters: { dmdRank: { pin: 75 }, annealT0: { pin: 3 } } },
    });
    expect(await written()).not.toContain('rateLimit');
    expect((await tori('pin', 'fast', 'dmdRank-')).stdout).toContain("dmdRank is the tuner's again");
    expect(await written()).not.toContain('75');
    const before = await written();
    expect((await tori('pin', 'fast', 'learningRate=0.02', '--dry-run')).stdout).toContain('pin: 0.02');
    expect(await written()).toBe(before);
  });

  test('export prints a patch and says when there is nothing to adopt', async () => {
    expect(parse((await tori('export', 'demo')).stdout)).toMatchObject({
      kind: 'TuningProfile',
      metadata: { name: 'fast' },
      spec: { parameters: { learningRate: { start: 0.005 } } },
    });
    const store = new ResourceStore(homeOf(env));
    const stored = store.read().resources.find(({ kind }) => kind === 'MemoryCluster')!;
    store.writeStatus(stored, { ...reported(worldIn('Stable')).status, observedGeneration: 1 });
    expect(await tori('export', 'demo')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('nothing to adopt'),
    });
  });
});

describe('actions', () => {
  beforeEach(async () => {
    await apply(cluster);
  });

  test.each(['promote', 'abort', 'retry', 'pause', 'resume', 'approve', 'reject'])(
    '%s writes a MemoryAction by the user and tells the answer',
    async (action) => {
      const stop = operatorThat('Accepted', 'it is done');
      const { code, stdout } = await tori(action, '--reason', 'because');
      await stop();
      expect(code).toBe(0);
      expect(stdout).toMatch(/^memoryaction\/\S+: it is done$/m);
      const { items } = JSON.parse((await tori('get', 'ma', '-o', 'json')).stdout) as { items: unknown[] };
      expect(items).toEqual([
        expect.objectContaining({
          spec: {
            action,
            target: { kind: 'MemoryCluster', name: 'demo' },
            reason: 'because',
            requestedBy: expect.stringMatching(/./),
          },
        }),
      ]);
    },
  );

  test('names the proposal that is approved', async () => {
    const stop = operatorThat('Accepted', 'ok');
    await tori('approve', 'demo', '--proposal', 'p-1', '--reason', 'fits');
    await stop();
    expect((await tori('get', 'ma', '-o', 'yaml')).stdout).toContain('proposal: p-1');
  });

  test('ends with 4 and the reason when the operator refuses', async () => {
    const stop = operatorThat('Refused', 'nothing to promote');
    const { code, stderr } = await tori('promote', '--reason', 'looks good');
    await stop();
    expect(code).toBe(4);
    expect(stderr).toContain('promote of demo is refused: nothing to promote');
  });

  test('given again before it is answered is the same action, and says so', async () => {
    const first = await tori('pause', '--reason', 'night', '--no-wait');
    const second = await tori('pause', '--reason', 'again', '--no-wait');
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    expect(second.stderr).toMatch(/asks for that already, by .+ \("night"\); nothing new was made/);
    const stop = operatorThat('Accepted', 'paused');
    expect((await tori('pause', '--reason', 'again')).stdout).toContain('paused');
    await stop();
    const third = await tori('pause', '--reason', 'another day', '--no-wait');
    expect(third.stdout).not.toBe(first.stdout);
    expect(third.stderr).toBe('');
  });

  test('needs a reason', async () => {
    expect(await tori('pause')).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') });
    expect((await tori('pause', '--reason', ' ')).code).toBe(2);
  });

  test('ends with 5 when no operator answers, and 3 for a cluster that is not there', async () => {
    expect(await tori('pause', '--reason', 'night', '--wait', '0')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('is `tori up` running?'),
    });
    expect((await tori('pause', 'absent', '--reason', 'night')).code).toBe(3);
  });
});
