import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { graphOf } from '../../test/samples/graphs.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { decodeF32 } from '../common/activations/activations.js';
import { connect, type ServiceClient } from '../common/clients/client.js';
import { ServiceError } from '../common/errors.js';
import { encodeChunk } from './chunks.js';
import { testWith } from '../../test/harness/needs.js';

const main = fileURLToPath(new URL('../../dist/services/sparse-pruner/main.js', import.meta.url));
const withBuild = testWith(existsSync(main) ? undefined : 'dist/ is absent; npm run build');
const token = 'internal-token';
const kills = 5;

let folder: string;
let child: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tori-pruner-'));
  writeFileSync(join(folder, 'token'), token);
});

afterEach(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the built service and waits for its line with the port. */
async function start(): Promise<ServiceClient<SparsePrunerServer>> {
  child = spawn(process.execPath, [main], {
    env: {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: join(folder, 'data'),
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      PRUNER_AFTER_COMMITS: '3',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const { grpcPort } = JSON.parse(line) as { grpcPort?: number };
    if (grpcPort === undefined) continue;
    child.stdout!.resume();
    return connect<SparsePrunerServer>(SparsePrunerService, `127.0.0.1:${grpcPort}`, { token });
  }
  throw new Error('the service ended before it served');
}

/** Every sleep adds one episode that holds concepts 1 to 40: cursor, episodes and each count are the same number. */
const ids = Array.from({ length: 40 }, (_, k) => k + 1);
const sleepOf = graphOf(
  Object.fromEntries(ids.map((id) => [id, 1])),
  Object.fromEntries(ids.slice(1).map((id) => [`1-${id}`, [0.01, 1]])),
);

/** Commits sleeps one after the other until the process dies; reports each cursor that was acknowledged. */
async function commitUntilKilled(
  client: ServiceClient<SparsePrunerServer>,
  acknowledged: (cursor: number) => void,
) {
  for (;;) {
    const { version, cursor } = await client.getGraphStats({ tenant: '' });
    const header = {
      tenant: '',
      baseVersion: version,
      expectedCursor: cursor,
      newCursor: cursor + 1,
      episodes: 1,
    };
    await client.applyDeltas([{ ...header, chunk: encodeChunk(sleepOf) }]);
    acknowledged(cursor + 1);
  }
}

describe('a killed process', () => {
  withBuild(
    'leaves one committed version, and every acknowledged sleep in it',
    async () => {
      let acknowledged = 0;
      for (let kill = 0; kill < kills; kill++) {
        const client = await start();
        const stats = await client.getGraphStats({ tenant: '' });
        // One commit may have been durable without its answer having come through.
        expect([acknowledged, acknowledged + 1]).toContain(stats.cursor);
        expect(stats.episodes).toBe(stats.cursor);
        for (const version of stats.keptVersions) await checkIfKept(client, version);
        acknowledged = stats.cursor;
        const died = once(child, 'exit');
        const target = acknowledged + 1 + Math.floor(Math.random() * 8);
        const progress = new EventEmitter();
        const committing = commitUntilKilled(client, (cursor) => {
          acknowledged = cursor;
          if (cursor === target) progress.emit('reached');
        });
        await once(progress, 'reached');
        await sleep(Math.random() * 20);
        child.kill('SIGKILL');
        await expect(committing).rejects.toMatchObject({ name: 'ServiceError' });
        await died;
        client.close();
      }
    },
    60_000,
  );
});

/** An automatic prune may take the place of the oldest version while the others are being read. */
async function checkIfKept(client: ServiceClient<SparsePrunerServer>, version: number) {
  try {
    await checkVersion(client, version);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'NOT_FOUND') throw error;
    expect((await client.getGraphStats({ tenant: '' })).keptVersions).not.toContain(version);
  }
}

/** Every version that is kept can be read, and its counts agree with its header. */
async function checkVersion(client: ServiceClient<SparsePrunerServer>, version: number) {
  for await (const { cursor, episodes, chunk } of client.streamGraph({ tenant: '', version })) {
    expect(episodes).toBe(cursor);
    const counts = decodeF32(chunk!.nodeCounts, 'node_counts');
    expect([...counts]).toEqual(ids.map(() => cursor));
  }
}
