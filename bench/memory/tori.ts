import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsolidationCycle } from '../../proto/gen/tori/memory/v1/sleep_scheduler_service.js';
import type { GetGraphStatsResponse } from '../../proto/gen/tori/memory/v1/sparse_pruner_service.js';
import { JobState } from '../../proto/gen/tori/memory/v1/types.js';
import {
  encodeActivations,
  encodeF32,
  encodeU32,
  sparseVector,
} from '../../services/common/activations/activations.js';
import { createLogger } from '../../services/common/logger.js';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import { episodicVault } from '../../services/episodic-vault/service.js';
import { recallOnTrack } from '../../services/mcp-gateway/recall/track-recall.js';
import { Peers, type TrackPeers } from '../../services/mcp-gateway/routing/peers.js';
import type { RequestContext } from '../../services/mcp-gateway/routing/router.js';
import { sleepScheduler } from '../../services/sleep-scheduler/service.js';
import { sparsePruner } from '../../services/sparse-pruner/service.js';
import type { Message } from './corpus.js';

const token = 'bench-internal-token';
const tenant = 'default';
/** A tenant of the pruner whose graph holds counts and no edge: the memory before its first sleep. */
const awake = 'awake';
const batchSize = 256;
const pollMs = 200;
const mostCompleted = 1000;
const nowhere = '127.0.0.1:1';

/** The memory itself: real vault, pruner and sleep-scheduler in this process, on files in a folder of its own. */
export class Tori {
  readonly #folder: string;
  readonly #services: readonly ServiceHandle[];
  readonly #peers: Peers;
  readonly #track: TrackPeers;
  readonly #context: RequestContext = {
    tenant,
    signal: new AbortController().signal,
    requestId: 'bench',
    logger: createLogger('bench', 'silent'),
  };

  private constructor(folder: string, services: readonly ServiceHandle[], peers: Peers) {
    this.#folder = folder;
    this.#services = services;
    this.#peers = peers;
    this.#track = peers.of('stable');
  }

  static async start(): Promise<Tori> {
    const folder = await mkdtemp(join(tmpdir(), 'memory-bench-'));
    await writeFile(join(folder, 'token'), token);
    const environment = (name: string): NodeJS.ProcessEnv => ({
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: join(folder, name),
      INTERNAL_TOKEN_FILE: join(folder, 'token'),
      LOG_LEVEL: 'silent',
      DRAIN_TIMEOUT_MS: '500',
    });
    const vault = await startService(episodicVault, { ...environment('vault'), VAULT_MIN_FREE_BYTES: '0' });
    // Sleep and prune happen when the benchmark asks, so that before and after are what they say.
    const pruner = await startService(sparsePruner, {
      ...environment('pruner'),
      PRUNER_AFTER_COMMITS: '0',
      PRUNER_INTERVAL_MS: '0',
    });
    const addresses = { vault: addressOf(vault), pruner: addressOf(pruner) };
    const scheduler = await startService(sleepScheduler, {
      ...environment('sleep'),
      VAULT_ADDRESS: addresses.vault,
      PRUNER_ADDRESS: addresses.pruner,
      SLEEP_MIN_NEW_EPISODES: '0',
    });
    const peers = new Peers(token);
    const stable = { revision: 'bench', ...addresses, sleep: addressOf(scheduler), koopman: nowhere };
    peers.adopt({ epoch: 1, routingKey: 'episode', canaryBasisPoints: 0, tracks: { stable } });
    return new Tori(folder, [scheduler, pruner, vault], peers);
  }

  /** Stores messages in their order. */
  async remember(messages: readonly Message[]): Promise<void> {
    const dictionary = this.#track.dictionary(tenant);
    await dictionary.intern([...new Set(messages.flatMap(({ concepts }) => [...concepts.keys()]))]);
    const batches = async function* () {
      for (let start = 0; start < messages.length; start += batchSize) {
        const episodes = messages.slice(start, start + batchSize).map(async ({ id, time, concepts }) => ({
          id,
          timeUnixMs: time,
          source: '',
          meta: {},
          activations: await dictionary.encode(concepts),
        }));
        yield { tenant, epoch: 0, episodes: await Promise.all(episodes) };
      }
    };
    await this.#track.vault.batchPut(batches());
    await this.#loadCounts(messages);
  }

  /** Consolidates until nothing new is left. @throws Error when the run fails */
  async sleep(seed: number, onCycle: (cycle: ConsolidationCycle) => void): Promise<ConsolidationCycle[]> {
    const { runId } = await this.#track.sleep.startConsolidation({ tenant, once: false, seed });
    for (let told = 0; ;) {
      const { run } = await this.#track.sleep.getConsolidation({ tenant, runId });
      const { state, cycles, error } = run!;
      cycles.slice(told).forEach(onCycle);
      told = cycles.length;
      if (state === JobState.JOB_STATE_SUCCEEDED) return cycles;
      if (state !== JobState.JOB_STATE_RUNNING) throw new Error(`the sleep did not end well: ${error}`);
      await sleep(pollMs);
    }
  }

  /**
   * Prunes with a threshold, or else with the one in force, and returns it.
   * @throws Error when the job fails
   */
  async prune(l1Threshold?: number): Promise<number> {
    const { jobId } = await this.#track.pruner.startPrune({ tenant, l1Threshold });
    for (;;) {
      const { job } = await this.#track.pruner.getPrune({ tenant, jobId });
      const { state, error } = job!;
      if (state === JobState.JOB_STATE_SUCCEEDED) return job!.l1Threshold;
      if (state !== JobState.JOB_STATE_RUNNING) throw new Error(`the prune did not end well: ${error}`);
      await sleep(pollMs);
    }
  }

  /** The least threshold, to a thousandth of it, that leaves at most so many edges; found by dry runs. */
  async thresholdFor(edges: number): Promise<number> {
    let [low, high] = [1e-6, 1e3];
    while (high / low > 1.001) {
      const l1Threshold = Math.sqrt(low * high);
      const { edgesAfter } = await this.#track.pruner.dryRunPrune({ tenant, l1Threshold, examples: 0 });
      if (edgesAfter > edges) low = l1Threshold;
      else high = l1Threshold;
    }
    return high;
  }

  async graph(): Promise<GetGraphStatsResponse> {
    return this.#track.pruner.getGraphStats({ tenant });
  }

  /** Completed concepts, strongest first, as the pruner answers; before the first sleep, by the counts alone. */
  async complete(cue: readonly string[], { slept }: { slept: boolean }): Promise<string[]> {
    const { concepts } = await this.#track.pruner.complete({
      tenant: slept ? tenant : awake,
      cue: await this.#encode(cue),
      limit: mostCompleted,
    });
    const ids = Uint32Array.from(concepts, ({ conceptId }) => conceptId);
    return this.#track.dictionary(tenant).namesOf(ids);
  }

  /** Ids of episodes, best first, by the vault's ranking alone: what recall is before the first sleep. */
  async rank(cue: readonly string[], limit: number): Promise<string[]> {
    const ranking = await this.#track.vault.rank({ tenant, cue: await this.#encode(cue), limit });
    return ranking.episodes.map(({ id }) => id);
  }

  /** Ids of episodes, best first, as the gateway recalls them. */
  async recall(cue: readonly string[], limit: number): Promise<string[]> {
    const concepts = new Map(cue.map((name) => [name, 1]));
    const { ranked } = await recallOnTrack(this.#track, concepts, limit, this.#context);
    return ranked.map(({ id }) => id);
  }

  async stop(): Promise<void> {
    this.#peers.close();
    for (const service of this.#services) await service.drain();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #encode(cue: readonly string[]) {
    const ids = await this.#track.dictionary(tenant).intern(cue);
    return encodeActivations(sparseVector(Array.from(ids, (id) => [id, 1] as const)));
  }

  async #loadCounts(messages: readonly Message[]): Promise<void> {
    const counts = new Map<string, number>();
    for (const { concepts } of messages) {
      for (const name of concepts.keys()) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const ids = await this.#track.dictionary(tenant).find([...counts.keys()]);
    const nodes = [...counts]
      .map(([name, count]) => [ids.get(name)!, count] as const)
      .sort(([a], [b]) => a - b);
    const none = Buffer.alloc(0);
    const chunk = {
      nodeIds: encodeU32(Uint32Array.from(nodes, ([id]) => id)),
      nodeCounts: encodeF32(Float32Array.from(nodes, ([, count]) => count)),
      edgeA: none,
      edgeB: none,
      edgeWeights: none,
      edgeSupport: none,
    };
    await this.#track.pruner.loadGraph([{ tenant: awake, cursor: 0, episodes: messages.length, chunk }]);
  }
}

function addressOf(service: ServiceHandle): string {
  return `127.0.0.1:${service.grpcPort}`;
}
