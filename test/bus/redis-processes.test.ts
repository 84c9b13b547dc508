import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  KoopmanLearnerService,
  type KoopmanLearnerServer,
} from '../../proto/gen/tori/memory/v1/koopman_learner_service.js';
import { encodeActivations, sparseVector } from '../../services/common/activations/activations.js';
import { connect, type ServiceClient } from '../../services/common/clients/client.js';
import { packageRoot } from '../harness/local-cluster.js';
import { RedisServer, redisMissing } from '../harness/redis-server.js';

const built = existsSync(join(packageRoot, 'dist', 'services'));
const missing = built ? redisMissing : 'dist/ is absent; npm run build';
const withProcesses = missing === undefined ? describe : describe.skip;
const reason = missing === undefined ? '' : ` (skipped: ${missing})`;

const token = 'internal-token';
const episodes = 2_000;
const serving = z.object({ grpcPort: z.number(), metricsPort: z.number() });

/** A service as its own process. */
class Service {
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #metricsPort: number;

  private constructor(process: ChildProcess, { grpcPort, metricsPort }: z.output<typeof serving>) {
    this.#process = process;
    this.address = `127.0.0.1:${grpcPort}`;
    this.#metricsPort = metricsPort;
  }

  static async start(program: string, env: NodeJS.ProcessEnv): Promise<Service> {
    const main = join(packageRoot, 'dist', 'services', program, 'main.js');
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const facts = serving.safeParse(JSON.parse(line));
      if (!facts.success) continue;
      child.stdout.resume();
      return new Service(child, facts.data);
    }
    throw new Error(`${program} ended before it served`);
  }

  /** Sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}

withProcesses(`vault, sleep and learner as processes over a real Redis${reason}`, () => {
  let folder: string;
  let redis: RedisServer;
  let vault: Service;
  let sleeper: Service;
  let learner: Service;
  let client: ServiceClient<EpisodicVaultServer>;

  const environment = (program: string): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, program),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    BUS_DRIVER: 'redis',
    BUS_PREFIX: 'test:processes:stable',
    REDIS_URL_FILE: join(folder, 'url'),
    // Consolidation and fits are not what is measured here.
    SLEEP_MIN_NEW_EPISODES: '0',
    KCL_REFIT_INTERVAL_MS: '3600000',
  });
  const startSleeper = () =>
    Service.start('sleep-scheduler', {
      ...environment('sleep-scheduler'),
      VAULT_ADDRESS: vault.address,
      PRUNER_ADDRESS: '127.0.0.1:1',
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-processes-'));
    writeFileSync(join(folder, 'token'), token);
    redis = await RedisServer.start();
    writeFileSync(join(folder, 'url'), redis.url());
    vault = await Service.start('episodic-vault', environment('episodic-vault'));
    sleeper = await startSleeper();
    learner = await Service.start('koopman-learner', {
      ...environment('koopman-learner'),
      VAULT_ADDRESS: vault.address,
    });
    client = connect<EpisodicVaultServer>(EpisodicVaultService, vault.address, { token });
  });

  afterAll(async () => {
    client.close();
    for (const service of [learner, sleeper, vault]) await service.end();
    await redis.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let waited = 0; !(await holds()); waited++) {
      if (waited > 600) throw new Error(`not reached: ${what}`);
      await sleep(100);
    }
  }

  async function put(from: number, to: number): Promise<void> {
    for (let k = from; k < to; k++) {
      const activations = encodeActivations(sparseVector([[k % 10, 1]]));
      const episode = { id: `e${k}`, timeUnixMs: 1_000 * k, source: '', meta: {}, activations };
      await client.put({ tenant: '', episode, epoch: 0 });
    }
  }

  test('every event of 2 000 episodes reaches each consumer while Redis is killed and emptied and a consumer dies', async () => {
    await client.internConcepts({
      tenant: '',
      names: Array.from({ length: 10 }, (_, k) => `c${k}`),
      existingOnly: false,
    });
    await put(0, 500);
    const storing = put(500, 1_500);
    await redis.kill();
    await until('the vault sees it', async () => (await vault.metric('bus_connected')) === 0);
    await until('the lag shows it', async () => (await vault.metric('bus_relay_lag_events')) > 0);
    await redis.restart();
    await sleeper.end('SIGKILL');
    await storing;
    redis.cli('FLUSHALL');
    await put(1_500, episodes);
    sleeper = await startSleeper();

    await until('no relay lag', async () => (await vault.metric('bus_relay_lag_events')) === 0);
    const kept = join(folder, 'sleep-scheduler', 'bus', 'episodic-vault.json');
    const cursorOfSleep = z.object({ sequence: z.number() });
    await until('sleep has handled all', () =>
      Promise.resolve(
        existsSync(kept) && cursorOfSleep.parse(JSON.parse(readFileSync(kept, 'utf8'))).sequence === episodes,
      ),
    );
    const modes = connect<KoopmanLearnerServer>(KoopmanLearnerService, learner.address, { token });
    await until(
      'the learner has all',
      async () => (await modes.getStatus({ tenant: '' })).cursor === episodes,
    );
    modes.close();
    for (const consumer of [sleeper, learner]) {
      await until('no consumer lag', async () => (await consumer.metric('bus_consumer_lag_events')) === 0);
      expect(await consumer.metric('bus_connected')).toBeGreaterThanOrEqual(1);
    }
    // The learner lived through it all: it was handed every event, and those again that Redis forgot to remember as handled.
    expect(await learner.metric('bus_consumer_events_total')).toBeGreaterThanOrEqual(episodes);
  });
});
