import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { FakeClock } from '../clock/fake-clock.js';
import { loadConnection } from './load-connection.js';

const folder = mkdtempSync(join(tmpdir(), 'kubeconfigs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A kubeconfig with a cluster, a user and a context of each name; the token of `a` is `token-a`. */
function write(
  file: string,
  names: readonly string[],
  more: { current?: string; user?: object } = {},
): string {
  const path = join(folder, file);
  const { current, user } = more;
  writeFileSync(
    path,
    stringify({
      ...(current !== undefined && { 'current-context': current }),
      clusters: names.map((name) => ({ name, cluster: { server: `https://${file}-${name}:6443` } })),
      users: names.map((name) => ({ name, user: user ?? { token: `token-${name}` } })),
      contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
    }),
  );
  return path;
}

const header = async (connection: Awaited<ReturnType<typeof loadConnection>>) =>
  (await connection.credentials.current()).headers['authorization'];

test('stays with the context of its start: one cluster never gets the token of another', async () => {
  const clock = new FakeClock();
  const path = write('switched', ['a', 'b'], { current: 'a' });
  const connection = await loadConnection({ kubeconfig: path, clock });
  expect(await header(connection)).toBe('Bearer token-a');
  write('switched', ['a', 'b'], { current: 'b' });
  await clock.advance(10 * 60_000);
  expect(connection.server.host).toBe('switched-a:6443');
  expect(await header(connection)).toBe('Bearer token-a');
});

test('takes an empty text for nothing, as kubectl does', async () => {
  const user = { token: '', 'client-certificate-data': '', username: 'ada', password: 'secret' };
  const path = write('empty', ['a'], { current: 'a', user });
  const basic = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  expect(await header(await loadConnection({ kubeconfig: path }))).toBe(basic);
});

test('merges the files of KUBECONFIG: the first that sets something wins, what is missing or empty is passed over', async () => {
  const first = write('first', ['a']);
  const second = write('second', ['a', 'b'], { current: 'b' });
  const env = { KUBECONFIG: ['', first, join(folder, 'missing'), second].join(delimiter) };
  const connection = await loadConnection({ env });
  expect(connection.server.host).toBe('second-b:6443');
  expect((await loadConnection({ env, context: 'a' })).server.host).toBe('first-a:6443');
  expect((await loadConnection({ env: { KUBECONFIG: `${delimiter}${second}` } })).server.host).toBe(
    'second-b:6443',
  );
});
