import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { Outbox } from '../../services/common/bus/outbox.js';
import {
  startService,
  type ServiceDescription,
  type ServiceHandle,
} from '../../services/common/server/service.js';

/** The internal token of {@link publishingService}. */
export const publishingToken = 'test-token';

/**
 * A service that has nothing but an outbox, in a real server with real lmdb.
 * @param environment variables beside those that every service needs, such as the bus's
 * @param keep how many of the newest events stay in the outbox
 */
export async function publishingService(environment: NodeJS.ProcessEnv = {}, keep?: number) {
  const folder = await mkdtemp(join(tmpdir(), 'bus-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, publishingToken);
  let log = 0;
  let opened = openLog(join(folder, `${log}.mdb`), keep);
  let service: ServiceHandle | undefined;
  let port = '0';

  const description: ServiceDescription<Record<string, never>> = {
    name: 'publisher',
    environment: {},
    start: ({ bus }) =>
      Promise.resolve({ services: [bus.publish(opened.outbox)], stop: () => Promise.resolve() }),
  };
  const start = async () => {
    service = await startService(description, {
      GRPC_PORT: port,
      METRICS_PORT: '0',
      DATA_DIR: folder,
      INTERNAL_TOKEN_FILE: tokenFile,
      LOG_LEVEL: 'silent',
      ...environment,
    });
    port = String(service.grpcPort);
  };
  const stop = async () => {
    await service?.drain();
    service = undefined;
  };
  await start();

  return {
    address: () => `127.0.0.1:${port}`,
    outbox: () => opened.outbox,
    publish: (type: string, count = 1) => {
      opened.root.transactionSync(() => {
        for (let k = 0; k < count; k++)
          opened.outbox.append({ type, tenant: 'default', timeUnixMs: 7, attributes: { sequence: '1' } });
      });
      opened.outbox.announce();
      return Promise.resolve();
    },
    start,
    stop,
    /** Goes on with an empty log, as after the loss of a volume. */
    lose: async () => {
      await stop();
      await opened.root.close();
      log += 1;
      opened = openLog(join(folder, `${log}.mdb`), keep);
      await start();
    },
    /** What `/metrics` shows under a name, by its labels. */
    metric: async (name: string): Promise<number | undefined> => {
      const text = await (await fetch(`http://127.0.0.1:${service?.metricsPort ?? 0}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${name}{`));
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
    },
    close: async () => {
      await stop();
      await opened.root.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Opens an outbox in an lmdb file of its own. */
export function openLog(path: string, keep?: number) {
  const root = open<Buffer, number>({ path, noSubdir: true, overlappingSync: false });
  const database = root.openDB<Buffer, number>({ name: 'outbox', keyEncoding: 'uint32', encoding: 'binary' });
  return { root, outbox: new Outbox(database, keep) };
}
