import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { packageRoot } from './local-cluster.js';
import { CuttableProxy, RedisServer } from './redis-server.js';

const token = 'internal-token';
const serving = z.object({ grpcPort: z.number(), metricsPort: z.number() });
const cursor = z.object({ sequence: z.number() });

/** A service as its own process. */
export class ServiceProcess {
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #metricsPort: number;

  private constructor(process: ChildProcess, { grpcPort, metricsPort }: z.output<typeof serving>) {
    this.#process = process;
    this.address = `127.0.0.1:${grpcPort}`;
    this.#metricsPort = metricsPort;
  }

  /** Resolves once it serves. */
  static async start(program: string, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    const main = join(packageRoot, 'dist', 'services', program, 'main.js');
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const facts = serving.safeParse(JSON.parse(line));
      if (!facts.success) continue;
      child.stdout.resume();
      return new ServiceProcess(child, facts.data);
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

/** Vault, sleep-scheduler and koopman-learner as processes over a real Redis, behind a proxy that can be cut. */
export class BusProcesses {
  readonly redis: RedisServer;
  readonly proxy: CuttableProxy;
  readonly vault: ServiceProcess;
  readonly learner: ServiceProcess;
  readonly client: ServiceClient<EpisodicVaultServer>;
  readonly #folder: string;
  #sleeper: ServiceProcess;

  private constructor(
    folder: string,
    [redis, proxy]: readonly [RedisServer, CuttableProxy],
    [vault, sleeper, learner]: readonly [ServiceProcess, ServiceProcess, ServiceProcess],
  ) {
    this.#folder = folder;
    this.redis = redis;
    this.proxy = proxy;
    this.vault = vault;
    this.#sleeper = sleeper;
    this.learner = learner;
    this.client = connect<EpisodicVaultServer>(EpisodicVaultService, vault.address, { token });
  }

  static async start(): Promise<BusProcesses> {
    const folder = mkdtempSync(join(tmpdir(), 'redis-processes-'));
    writeFileSync(join(folder, 'token'), token);
    const redis = await RedisServer.start();
    const proxy = await CuttableProxy.open(redis.port);
    writeFileSync(join(folder, 'url'), redis.url(proxy.port));
    const vault = await ServiceProcess.start('episodic-vault', environmentOf('episodic-vault', folder));
    const started = new BusProcesses(
      folder,
      [redis, proxy],
      [vault, await startSleeper(folder, vault), await startLearner(folder, vault)],
    );
    const names = Array.from({ length: 10 }, (_, k) => `c${k}`);
    await started.client.internConcepts({ tenant: '', names, existingOnly: false });
    return started;
  }

  get sleeper(): ServiceProcess {
    return this.#sleeper;
  }

  /** Ends the sleep-scheduler as a crash would. */
  async killSleeper(): Promise<void> {
    await this.#sleeper.end('SIGKILL');
  }

  /** Starts it again on its folder. */
  async reviveSleeper(): Promise<void> {
    this.#sleeper = await startSleeper(this.#folder, this.vault);
  }

  /** Stores the episodes with these numbers, some at a time. */
  async put(from: number, to: number, { atOnce = 25, pauseMs = 0 } = {}): Promise<void> {
    for (let k = from; k < to; k += atOnce) {
      const episodes = Array.from({ length: Math.min(atOnce, to - k) }, (_, i) => episode(k + i));
      await this.client.batchPut([{ tenant: '', episodes, epoch: 0 }]);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  /** Resolves once every consumer has handled that many events and no lag is left. */
  async settled(episodes: number): Promise<void> {
    await until('no relay lag', async () => (await this.vault.metric('bus_relay_lag_events')) === 0);
    await until('sleep has handled all', () => Promise.resolve(this.#sleepCursor() === episodes));
    const modes = connect<KoopmanLearnerServer>(KoopmanLearnerService, this.learner.address, { token });
    await until('the learner has all', async () => {
      return (await modes.getStatus({ tenant: '' })).cursor === episodes;
    });
    modes.close();
    for (const consumer of [this.sleeper, this.learner]) {
      await until('no consumer lag', async () => (await consumer.metric('bus_consumer_lag_events')) === 0);
    }
  }

  async close(): Promise<void> {
    this.client.close();
    for (const service of [this.learner, this.sleeper, this.vault]) await service.end();
    await this.proxy.close();
    await this.redis.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #sleepCursor(): number {
    try {
      const text = readFileSync(join(this.#folder, 'sleep-scheduler', 'bus', 'episodic-vault.json'), 'utf8');
      return cursor.parse(JSON.parse(text)).sequence;
    } catch {
      return 0;
    }
  }
}

function episode(number: number) {
  const activations = encodeActivations(sparseVector([[number % 10, 1]]));
  return { id: `e${number}`, timeUnixMs: 1_000 * number, source: '', meta: {}, activations };
}

/** Waits, for at most a minute. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited++) {
    if (waited > 600) throw new Error(`not reached: ${what}`);
    await sleep(100);
  }
}

function environmentOf(program: string, folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, program),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    BUS_DRIVER: 'redis',
    BUS_PREFIX: 'test:processes:stable',
    REDIS_URL_FILE: join(folder, 'url'),
    // Consolidation and fits are not the subject here.
    SLEEP_MIN_NEW_EPISODES: '0',
    KCL_REFIT_INTERVAL_MS: '3600000',
  };
}

function startSleeper(folder: string, vault: ServiceProcess): Promise<ServiceProcess> {
  const env = environmentOf('sleep-scheduler', folder);
  return ServiceProcess.start('sleep-scheduler', {
    ...env,
    VAULT_ADDRESS: vault.address,
    PRUNER_ADDRESS: '127.0.0.1:1',
  });
}

function startLearner(folder: string, vault: ServiceProcess): Promise<ServiceProcess> {
  const env = environmentOf('koopman-learner', folder);
  return ServiceProcess.start('koopman-learner', { ...env, VAULT_ADDRESS: vault.address });
}
