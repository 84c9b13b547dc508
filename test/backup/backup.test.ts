import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import type { Episode } from '../../proto/gen/tori/memory/v1/types.js';
import { encodeActivations, sparseVector } from '../../services/common/activations/activations.js';
import { connect, type ServiceClient } from '../../services/common/clients/client.js';
import { packageRoot, toriBin } from '../harness/local-cluster.js';
import { run } from '../kubernetes/helm.js';
import { describeWith } from '../harness/needs.js';

const main = join(packageRoot, 'dist', 'services', 'episodic-vault', 'main.js');
const suite = describeWith(existsSync(main) ? undefined : 'dist/ is absent; npm run build');
const token = 'backup-test-token';

type VaultClient = ServiceClient<EpisodicVaultServer>;

let folder: string;
const tori = (...args: readonly string[]) => run(process.execPath, [toriBin, ...args]);
const at = (name: string) => join(folder, name);

suite('the backup of a vault', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tori-backup-'));
    await writeFile(at('token'), token);
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('holds every episode that was acknowledged before it began, and a new cluster may write on', async () => {
    const vault = await startVault('data');
    const acknowledged = new Map<string, Episode>();
    const writing = writeOn(vault.client, 7, acknowledged);
    while (acknowledged.size < 500) await sleep(5);
    const before = new Map(acknowledged);
    // The vault goes on writing.
    const copied = await tori('backup', at('data'), at('backup'), '--output=json');
    expect(copied.stderr).toBe('');
    expect(acknowledged.size).toBeGreaterThan(before.size);
    vault.child.kill('SIGKILL');
    await writing;

    const restored = await tori('restore', at('backup'), at('restored'), '--output=json');
    expect(restored.stderr).toBe('');
    expect(restored.stdout).toBe(copied.stdout);
    const again = await startVault('restored');
    const stored = await everything(again.client);
    for (const [id, episode] of before) expect(stored.get(id)).toEqual(episode);
    const ids = [...before.keys()].slice(0, 500);
    const { digests } = await again.client.getDigests({ tenant: '', ids });
    expect(new Set(digests.map(({ state }) => state)).size).toBe(1);
    // Shard table 7 was seen; the table of a new cluster is its first.
    await again.client.put({ tenant: '', episode: numbered(0, 'new'), epoch: 1 });
    await stop(again);
  });

  test('without the step of a restore, refuses the tables of a new cluster', async () => {
    const vault = await startVault('data');
    await putOne(vault.client, 7);
    await expect(putOne(vault.client, 1)).rejects.toThrow('older than the vault');
    await stop(vault);
    expect((await tori('restore', '--in-place', at('elsewhere'))).stderr).toContain(
      'expected the data folder of a vault',
    );
    expect(await tori('restore', '--in-place', at('data'))).toMatchObject({ code: 0, stderr: '' });
    const again = await startVault('data');
    await putOne(again.client, 1);
    await stop(again);
  });

  test('is refused when it is not whole, and does not go over data', async () => {
    const vault = await startVault('data');
    await putOne(vault.client, 1);
    expect((await tori('restore', '--in-place', at('data'))).stderr).toContain('has this vault open');
    await stop(vault);
    await tori('backup', at('data'), at('backup'));
    expect((await tori('backup', at('data'), at('backup'))).stderr).toContain('a backup is a new folder');
    expect((await tori('restore', at('backup'), at('data'))).stderr).toContain(
      'restore into an empty folder',
    );
    await appendFile(join(at('backup'), 'vault.mdb'), 'x');
    expect((await tori('restore', at('backup'), at('restored'))).stderr).toContain('its SHA-256 is');
    await rm(join(at('backup'), 'backup.json'));
    expect((await tori('restore', at('backup'), at('restored'))).stderr).toContain('not a whole backup');
    expect((await tori('backup', at('nowhere'), at('other'))).stderr).toContain('cannot be read');
    expect(await readdir(folder)).not.toContain('restored');
  });
});

async function startVault(data: string): Promise<{ child: ChildProcess; client: VaultClient }> {
  const child = spawn(process.execPath, [main], {
    env: {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: at(data),
      INTERNAL_TOKEN_FILE: at('token'),
      VAULT_MIN_FREE_BYTES: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { grpcPort } = JSON.parse(line) as { grpcPort?: number };
    if (grpcPort === undefined) continue;
    child.stdout.resume();
    const client = connect<EpisodicVaultServer>(EpisodicVaultService, `127.0.0.1:${grpcPort}`, { token });
    await client.internConcepts({ tenant: '', names: Array.from({ length: 100 }, (_, k) => `c${k}`) });
    return { child, client };
  }
  throw new Error('the vault ended before it served');
}

async function stop({ child, client }: Awaited<ReturnType<typeof startVault>>): Promise<void> {
  client.close();
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function numbered(k: number, prefix: string): Episode {
  const pairs = [k % 100, (k + 1) % 100].map((id) => [id, 1 + (k % 7)] as const);
  const activations = encodeActivations(sparseVector(pairs));
  return { id: `${prefix}-${k}`, timeUnixMs: k, source: '', meta: {}, activations };
}

const putOne = (client: VaultClient, epoch: number) =>
  client.put({ tenant: '', episode: numbered(0, `epoch-${epoch}`), epoch });

/** Puts until the vault is gone. */
async function writeOn(
  client: VaultClient,
  epoch: number,
  acknowledged: Map<string, Episode>,
): Promise<void> {
  const caller = async (name: string) => {
    for (let k = 0; ; k++) {
      const episode = numbered(k, name);
      await client.put({ tenant: '', episode, epoch });
      acknowledged.set(episode.id, episode);
    }
  };
  await Promise.allSettled(Array.from({ length: 8 }, (_, k) => caller(`caller-${k}`)));
  client.close();
}

async function everything(client: VaultClient): Promise<Map<string, Episode>> {
  const stored = new Map<string, Episode>();
  const log = client.replay({ tenant: '', afterSequence: 0, follow: false, limit: 0 });
  for await (const { entry } of log) {
    if (entry?.$case === 'stored') stored.set(entry.value.id, entry.value);
  }
  return stored;
}
