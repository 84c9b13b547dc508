import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runTori, toriBin } from '../test/harness/local-cluster.js';

let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tori-main-'));
  env = { ...process.env, TORI_HOME: home };
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

test('the command works as a process: results on stdout, faults on stderr, exit codes', async () => {
  expect(await runTori(env, ['version', '-o', 'json'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"tori"'),
    stderr: '',
  });
  expect(await runTori(env, ['get', 'mc', 'absent'])).toEqual({
    code: 3,
    stdout: '',
    stderr: 'there is no MemoryCluster named "absent"\n',
  });
  expect(await runTori(env, ['promot'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('promote'),
  });
});

test('Ctrl-C ends a command that waits with 130 and without a stack', async () => {
  const asked = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(asked, 'listening');
  const { port } = asked.address() as AddressInfo;
  const args = ['recall', 'violin', '--url', `http://127.0.0.1:${port}`];
  const child = spawn(process.execPath, [toriBin, ...args], { env: { ...env, TORI_API_KEY: 'x' } });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(asked, 'request');
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  asked.closeAllConnections();
  asked.close();
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
});

test('a reader that has seen enough ends it quietly', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" "${toriBin}" help | true`], { env });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  expect(stderr).toBe('');
});
