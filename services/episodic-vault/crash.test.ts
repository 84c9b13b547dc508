import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import { encodeActivations, sparseVector } from '../common/activations/activations.js';
import { connect, type ServiceClient } from '../common/clients/client.js';
import { testWith } from '../../test/harness/needs.js';

const main = fileURLToPath(new URL('../../dist/services/episodic-vault/main.js', import.meta.url));
const withBuild = testWith(existsSync(main) ? undefined : 'dist/ is absent; npm run build');
const token = 'crash-test-token';
const kills = 4;
const callers = 32;

type VaultClient = ServiceClient<EpisodicVaultServer>;

withBuild('kill -9 under load loses no acknowledged episode', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-crash-'));
  await writeFile(join(folder, 'token'), token);
  const acknowledged = new Map<string, { episode: Episode; sequence: number }>();
  for (let round = 0; round < kills; round++) {
    const { child, client } = await startVault(folder);
    await verify(client, acknowledged);
    const writing = write(client, round, acknowledged);
    const enough = acknowledged.size + callers + Math.floor(Math.random() * 500);
    while (acknowledged.size < enough) await sleep(5);
    child.kill('SIGKILL');
    await once(child, 'exit');
    client.close();
    await writing;
  }
  expect(acknowledged.size).toBeGreaterThan(callers);
  const { child, client } = await startVault(folder);
  await expect(startVault(folder)).rejects.toThrow(`process ${child.pid!} has this vault open`);
  await verify(client, acknowledged);
  const sequences: number[] = [];
  for await (const entry of client.replay({ tenant: '', afterSequence: 0, follow: false, limit: 0 })) {
    sequences.push(entry.sequence);
  }
  expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, k) => k + 1));
  client.close();
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  await rm(folder, { recursive: true });
});

async function startVault(folder: string): Promise<{ child: ChildProcess; client: VaultClient }> {
  const child = spawn(process.execPath, [main], {
    env: {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: join(folder, 'data'),
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      VAULT_MIN_FREE_BYTES: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    const { grpcPort } = JSON.parse(line) as { grpcPort?: number };
    if (grpcPort === undefined) continue;
    child.stdout.resume();
    const client = connect<EpisodicVaultServer>(EpisodicVaultService, `127.0.0.1:${grpcPort}`, { token });
    return { child, client };
  }
  throw new Error(`the vault ended before it served: ${complaint}`);
}

/** Many callers put episodes, each its next after the answer to its last, until the vault is gone. */
async function write(
  client: VaultClient,
  round: number,
  acknowledged: Map<string, { episode: Episode; sequence: number }>,
): Promise<void> {
  const put = async (caller: number) => {
    await client.internConcepts({ tenant: '', names: Array.from({ length: 100 }, (_, k) => `c${k}`) });
    for (let k = 0; ; k++) {
      const pairs = [k % 100, (k + caller + 1) % 100].map((id) => [id, Math.random() + 0.01] as const);
      const episode: Episode = {
        id: `round-${round}-caller-${caller}-${k}`,
        timeUnixMs: k,
        source: `caller ${caller}`,
        meta: { round: String(round) },
        activations: encodeActivations(sparseVector(pairs)),
      };
      const { sequence } = await client.put({ tenant: '', episode, epoch: 0 });
      acknowledged.set(episode.id, { episode, sequence });
    }
  };
  await Promise.allSettled(Array.from({ length: callers }, (_, caller) => put(caller)));
}

async function verify(
  client: VaultClient,
  acknowledged: ReadonlyMap<string, { episode: Episode; sequence: number }>,
): Promise<void> {
  const stored = new Map<string, { episode: Episode; sequence: number }>();
  for await (const { sequence, entry } of client.replay({
    tenant: '',
    afterSequence: 0,
    follow: false,
    limit: 0,
  })) {
    if (entry?.$case === 'stored') stored.set(entry.value.id, { episode: entry.value, sequence });
  }
  for (const [id, expected] of acknowledged) expect(stored.get(id)).toEqual(expected);
  for (const [id, expected] of [...acknowledged].slice(-callers)) {
    expect(await client.get({ tenant: '', id })).toEqual(expected);
  }
}
