import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  EpisodicVaultService,
  type EpisodicVaultServer,
} from '../../proto/gen/tori/memory/v1/episodic_vault_service.js';
import {
  SleepSchedulerService,
  type ConsolidationRun,
  type SleepSchedulerServer,
} from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import {
  SparsePrunerService,
  type SparsePrunerServer,
} from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import { encodeActivations, sparseVector } from '../../services/common/activations/activations.js';
import { connect, type ServiceClient } from '../../services/common/clients/client.js';
import { randomBelow, seededRandom } from '../../services/common/network/random.js';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import { episodicVault } from '../../services/episodic-vault/service.js';
import { sleepScheduler } from '../../services/sleep-scheduler/service.js';
import { sparsePruner } from '../../services/sparse-pruner/service.js';

const token = 'test-internal-token';

/** A sleep-scheduler with its client. */
export interface Sleeper {
  readonly handle: ServiceHandle;
  readonly client: ServiceClient<SleepSchedulerServer>;
  stop(): Promise<void>;
}

/** A real vault and a real pruner in this process, beside which any number of sleep-schedulers can live and die. */
export class Dormitory {
  readonly vault: ServiceClient<EpisodicVaultServer>;
  readonly pruner: ServiceClient<SparsePrunerServer>;
  readonly #folder: string;
  readonly #services: readonly ServiceHandle[];
  #sleepers = 0;

  private constructor(folder: string, services: readonly [ServiceHandle, ServiceHandle]) {
    this.#folder = folder;
    this.#services = services;
    this.vault = connect<EpisodicVaultServer>(EpisodicVaultService, addressOf(services[0]), { token });
    this.pruner = connect<SparsePrunerServer>(SparsePrunerService, addressOf(services[1]), { token });
  }

  static async open(): Promise<Dormitory> {
    const folder = await mkdtemp(join(tmpdir(), 'sleep-'));
    await writeFile(join(folder, 'token'), token);
    const vault = await startService(episodicVault, {
      ...environment(folder, 'vault'),
      VAULT_MIN_FREE_BYTES: '0',
    });
    const pruner = await startService(sparsePruner, environment(folder, 'pruner'));
    return new Dormitory(folder, [vault, pruner]);
  }

  /** Starts a sleep-scheduler that sleeps only when asked, unless `env` says otherwise. */
  async sleeper(env: NodeJS.ProcessEnv = {}): Promise<Sleeper> {
    const [vault, pruner] = this.#services.map(addressOf);
    const handle = await startService(sleepScheduler, {
      ...environment(this.#folder, `sleep-${this.#sleepers++}`),
      VAULT_ADDRESS: vault,
      PRUNER_ADDRESS: pruner,
      SLEEP_MIN_NEW_EPISODES: '0',
      ...env,
    });
    const client = connect<SleepSchedulerServer>(SleepSchedulerService, addressOf(handle), { token });
    return {
      handle,
      client,
      async stop() {
        client.close();
        await handle.drain();
      },
    };
  }

  /** Stores episodes of ten concepts, about seven of them of one of twelve themes; concept c has theme c mod 12. */
  async remember(count: number, seed: number): Promise<void> {
    const names = Array.from({ length: 120 }, (_, k) => `concept-${k}`);
    await this.vault.internConcepts({ tenant: '', names, existingOnly: false });
    const random = seededRandom(seed);
    const episodes = Array.from({ length: count }, (_, k) => {
      const theme = randomBelow(random, 12);
      const ids = Array.from({ length: 10 }, (__, at) =>
        at < 7 ? theme + 12 * randomBelow(random, 10) : randomBelow(random, 120),
      );
      return {
        id: `episode-${seed}-${k}`,
        timeUnixMs: 1_000_000 + k,
        source: '',
        meta: {},
        activations: encodeActivations(sparseVector([...new Set(ids)].map((id) => [id, 1]))),
      };
    });
    await this.vault.batchPut([{ tenant: '', episodes, epoch: 0 }]);
  }

  async close(): Promise<void> {
    this.vault.close();
    this.pruner.close();
    for (const service of this.#services) await service.drain();
    await rm(this.#folder, { recursive: true });
  }
}

/** Polls a run until it is as wanted. */
export async function runUntil(
  client: Sleeper['client'],
  wanted: (run: ConsolidationRun) => boolean,
): Promise<ConsolidationRun> {
  for (;;) {
    const { run } = await client.getConsolidation({ tenant: '', runId: '' });
    if (run !== undefined && wanted(run)) return run;
    await sleep(5);
  }
}

export const hasEnded = ({ state }: ConsolidationRun) => state !== JobState.JOB_STATE_RUNNING;

function environment(folder: string, name: string): NodeJS.ProcessEnv {
  return {
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, name),
    INTERNAL_TOKEN_FILE: join(folder, 'token'),
    LOG_LEVEL: 'silent',
    DRAIN_TIMEOUT_MS: '500',
  };
}

function addressOf({ grpcPort }: ServiceHandle): string {
  return `127.0.0.1:${grpcPort}`;
}
