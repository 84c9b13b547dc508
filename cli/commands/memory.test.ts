import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import { sleepScheduler } from '../../services/sleep-scheduler/service.js';
import { tori as runTori, type Answer } from '../../test/cli/captured-terminal.js';
import { Memory } from '../../test/gateway/memory.js';

let memory: Memory;
let sleeper: ServiceHandle;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tori-memory-'));
  memory = await Memory.start();
  await writeFile(join(folder, 'token'), memory.token);
  const { vault, pruner } = memory.services('stable');
  sleeper = await startService(sleepScheduler, {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, 'sleep'),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    VAULT_ADDRESS: vault,
    PRUNER_ADDRESS: pruner,
    SLEEP_MIN_NEW_EPISODES: '0',
    LOG_LEVEL: 'silent',
  });
  await memory.route({ sleep: `127.0.0.1:${sleeper.grpcPort}` });
  env = { TORI_URL: memory.origin, TORI_API_KEY: memory.apiKey };
});
afterAll(async () => {
  await sleeper.drain();
  await memory.stop();
  await rm(folder, { recursive: true });
});

async function tori(args: readonly string[], stdin = ''): Promise<Answer> {
  return runTori(args, { env, stdin });
}

async function json(args: readonly string[], stdin = ''): Promise<unknown> {
  const { code, stdout, stderr } = await tori([...args, '-o', 'json'], stdin);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const lines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('import', () => {
  const chat = lines([
    { id: 'chat-1', time: 1_700_000_000_000, text: 'The violin concert in the harbor' },
    { id: 'chat-2', time: '2023-11-15T00:00:00Z', text: 'A violin and a trumpet' },
  ]);

  test('stores chat lines under their ids, and nothing twice', async () => {
    const args = ['import', '--tenant', 'chat', '--format', 'chat-jsonl', '-'];
    expect(await json(args, chat)).toMatchObject({ stored: 2, known: 0, broken: 0 });
    expect(await json(args, chat)).toMatchObject({ stored: 0, known: 2, broken: 0 });
    expect(await memory.client()('memory.get', { id: 'chat-1', tenant: 'chat' })).toMatchObject({
      time: 1_700_000_000_000,
      concepts: { violin: expect.closeTo(1 / 2.2, 6) },
    });
  });

  test('keeps what is stored when the same id comes with other content', async () => {
    const other = lines([{ id: 'chat-1', time: 1, text: 'piano' }]);
    await tori(['import', '--tenant', 'kept', '-'], chat);
    const { code, stdout } = await tori(['import', '--tenant', 'kept', '-'], other);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^kept +1 /m);
  });

  test('skips what is broken with its place, and counts it', async () => {
    const file = join(folder, 'log.jsonl');
    await writeFile(file, `${lines([{ id: 'a', time: 1, concepts: { violin: 0.5 } }])}{"id": oops\n`);
    const { code, stdout, stderr } = await tori(['import', '--tenant', 'broken', file]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `warning: ${file}, byte 46: line: Invalid input: expected object, received undefined\n`,
    });
    expect(stdout).toMatch(/^stored +1$/m);
    expect(stdout).toMatch(/^skipped +1 /m);
  });

  test('goes on after an episode that the gateway refuses, and ends with 4', async () => {
    const episodes = lines([
      { id: 'x'.repeat(300), concepts: { violin: 1 } },
      { id: 'good', concepts: { violin: 1 } },
    ]);
    const { code, stdout, stderr } = await tori(['import', '--tenant', 'refused', '-'], episodes);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^stored +1$/m);
    expect(stderr).toContain('1 episodes were refused');
  });

  test('reads a mailbox', async () => {
    const file = join(folder, 'box.mbox');
    const mail = (id: string, subject: string) =>
      `From a@b.org Thu Aug 22 12:36:23 2002\nFrom: Ann <a@b.org>\nMessage-ID: <${id}>\nSubject: ${subject}\n\nviolin\n\n`;
    await writeFile(file, mail('m1@b', 'harbor') + mail('m2@b', 'trumpet'));
    expect(await json(['import', '--tenant', 'mail', file])).toMatchObject({ files: 1, stored: 2 });
    expect(await memory.client()('memory.get', { id: 'm2@b', tenant: 'mail' })).toMatchObject({
      source: 'a@b.org',
      meta: { subject: 'trumpet', from: 'Ann <a@b.org>' },
    });
  });

  test.each([
    [['import', '/nowhere'], 3, 'ENOENT'],
    [['import', '--format', 'pdf', '-'], 2, 'Allowed choices are mbox, eml'],
    [['import', '--tenant', 'nothing', '-'], 4, 'nothing to import was found'],
    [['import', '--tenant', 'Wrong!', '-'], 4, 'tenant: "Wrong!" is not accepted'],
  ])('%j ends with %d', async (args, code, message) => {
    const stdin = args.includes('Wrong!') ? chat : '';
    expect(await tori(args, stdin)).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });
});

describe('recall', () => {
  const tenant = ['--tenant', 'recall'];

  beforeAll(async () => {
    const episodes = [
      { id: 'sea', time: 1, concepts: { harbor: 1, ship: 0.5 } },
      { id: 'music', time: 2, concepts: { violin: 1, concert: 0.5 } },
      { id: 'both', time: 3, concepts: { violin: 0.1, ship: 0.1, lamp: 1, chair: 1 } },
    ];
    await tori(['import', ...tenant, '-'], lines(episodes));
  });

  test('prints ranked ids and scores for programs', async () => {
    const found = await json(['recall', ...tenant, 'violin']);
    expect(found).toEqual([
      { id: 'music', score: expect.any(Number) },
      { id: 'both', score: expect.any(Number) },
    ]);
    expect(await json(['recall', ...tenant, '--text', 'The ships in the harbor', '-k', '1'])).toEqual([
      { id: 'sea', score: expect.any(Number) },
    ]);
  });

  test('prints a table for people', async () => {
    const { stdout } = await tori(['recall', ...tenant, 'harbor']);
    expect(stdout).toMatch(/^1 +\d+\.\d+ +1970-01-01 00:00 +sea$/m);
    expect((await tori(['recall', ...tenant, 'unknown-concept'])).stdout).toBe('No episode matches.\n');
  });

  test('answers a batch in its order, with empty answers for cues that say nothing', async () => {
    const cues = [
      { id: 'q1', text: 'a concert' },
      { id: 'q2', text: 'of the' },
      { id: 'q3', concepts: ['ship'] },
      { id: 4, concepts: { lamp: 0.5 } },
      { id: 'q5', concepts: [] },
    ];
    const { code, stdout } = await tori(['recall', ...tenant, '--batch', '-'], lines(cues));
    expect(code).toBe(0);
    const answers = JSON.parse(stdout) as {
      id: string;
      results: { id: string; score: number }[];
      completed: unknown[];
    }[];
    expect(answers.map(({ id, results }) => [id, results[0]?.id])).toEqual([
      ['q1', 'music'],
      ['q2', undefined],
      ['q3', 'sea'],
      ['4', 'both'],
      ['q5', undefined],
    ]);
    expect(answers[1]).toEqual({ id: 'q2', results: [], completed: [] });
  });

  test('asks more cues than one call takes', async () => {
    const cues = Array.from({ length: 250 }, (_, k) => ({
      id: `q${k}`,
      concepts: k % 2 === 0 ? ['violin'] : ['harbor'],
    }));
    const { stdout } = await tori(['recall', ...tenant, '-k', '1', '--batch', '-'], lines(cues));
    const answers = JSON.parse(stdout) as { id: string; results: { id: string }[] }[];
    expect(answers.map(({ id }) => id)).toEqual(cues.map(({ id }) => id));
    expect(answers.every(({ results }, k) => results[0]?.id === (k % 2 === 0 ? 'music' : 'sea'))).toBe(true);
  });

  test.each([
    [['recall'], '', 2, 'one of the three'],
    [['recall', 'violin', '--text', 'x'], '', 2, 'one of the three'],
    [['recall', '--text', 'of the'], '', 4, 'at least one content word'],
    [['recall', '--batch', '-'], '{"id":"a"}\nnonsense\n', 4, '-:1: line: expected text or concepts\n-:2: '],
    [['recall', '--batch', '/nowhere'], '', 3, 'ENOENT'],
  ])('%j ends with its exit code', async (args, stdin, code, message) => {
    expect(await tori(args, stdin)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });
});

describe('the cycle', () => {
  const tenant = ['--tenant', 'cycle'];

  beforeAll(async () => {
    const episodes = Array.from({ length: 60 }, (_, k) => ({
      id: `e${k}`,
      time: 1_000 * k,
      concepts:
        k % 2 === 0 ? { violin: 1, concert: 1, [`rare${k}`]: 1 } : { ship: 1, harbor: 1, [`rare${k}`]: 1 },
    }));
    await tori(['import', ...tenant, '-'], lines(episodes));
  });

  test('trigger --once sleeps one cycle, trigger until nothing is left', async () => {
    const once = (await json(['trigger', '--once', ...tenant])) as {
      runs: { cycles: { episodes: number }[] }[];
    };
    expect(once.runs.map(({ cycles }) => cycles.map(({ episodes }) => episodes))).toEqual([[60]]);
    expect((await tori(['trigger', ...tenant])).stdout).toMatch(/no new episode|TRACK/);
  });

  test('prune --dry-run tells what would go and changes nothing', async () => {
    const dry = ['prune', '--dry-run', '--threshold', '10', ...tenant];
    const first = (await json(dry)) as {
      dryRun: boolean;
      runs: { edgesBefore: number; edgesAfter: number }[];
    };
    expect(first.dryRun).toBe(true);
    expect(first.runs[0]!.edgesAfter).toBe(0);
    expect(await json(dry)).toEqual(first);
    expect((await tori(dry)).stdout).toContain('WOULD GO');
  });

  test('modes says what is missing before there are any', async () => {
    const { code, stdout } = await tori(['modes', '--tenant', 'without-modes']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^stable: no modes yet: /);
  });
});

describe('load', () => {
  test('put-get-loop checks every episode and prints latencies', async () => {
    expect(await json(['put-get-loop', '20'])).toMatchObject({
      count: 20,
      mismatches: [],
      putMs: { count: 20, p50: expect.any(Number), p99: expect.any(Number) },
      getMs: { count: 20 },
    });
    expect((await tori(['put-get-loop', '1'])).stdout).toMatch(/^CALL +COUNT +P50 +P90 +P99/);
  });

  test('loadgen counts what was acknowledged and finds all of it again', async () => {
    const args = [
      'loadgen',
      '--tenant',
      'load',
      '--rate',
      '40',
      '--duration',
      '1s',
      '--concepts',
      '20',
      '--verify',
    ];
    expect(await json(args)).toMatchObject({
      offered: 40,
      acknowledged: 40,
      failed: 0,
      wrong: [],
      latencyMs: { count: 40 },
    });
  });

  test('loadgen ends in order when it is interrupted', async () => {
    const stop = new AbortController();
    const running = runTori(['loadgen', '--tenant', 'stopped', '--concepts', '5', '-o', 'json'], {
      env,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 1_500);
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { acknowledged: number }).acknowledged).toBeGreaterThan(0);
  });
});

describe('the connection', () => {
  test('a gateway that is not there is told at once', async () => {
    const { code, stderr } = await runTori(['recall', 'violin'], {
      env: { ...env, TORI_URL: 'http://127.0.0.1:9' },
    });
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: 'cannot reach the gateway at http://127.0.0.1:9/mcp: is `tori up` running?\n',
    });
  });

  test.each([
    ['a wrong key', { TORI_API_KEY: 'wrong' }, 4, 'refuses the API key'],
    ['a URL that is none', { TORI_URL: 'gateway' }, 2, '--url: "gateway" is not accepted'],
    ['no key', { TORI_API_KEY: '', TORI_HOME: '/nowhere' }, 78, '/nowhere/secrets/api-key cannot be read'],
    ['a wrong offset', { TORI_URL: '', TORI_PORT_OFFSET: 'x' }, 78, 'TORI_PORT_OFFSET = "x"'],
  ])('%s is told in a line', async (_what, change, code, message) => {
    const answer = await runTori(['recall', 'violin'], { env: { ...env, ...change } });
    expect(answer).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(answer.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('an interrupt ends a command with 130', async () => {
    expect((await runTori(['recall', 'violin'], { env, signal: AbortSignal.abort() })).code).toBe(130);
  });
});
