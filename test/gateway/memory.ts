import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMcp, type Mcp } from '../../lib/mcpClient/index.js';
import { startService, type ServiceHandle } from '../../services/common/server/service.js';
import type { RoutingKey, Track } from '../../services/common/shards/shards.js';
import type { ShardTable, TrackServices } from '../../services/common/shards/table.js';
import { episodicVault } from '../../services/episodic-vault/service.js';
import { koopmanLearner } from '../../services/koopman-learner/service.js';
import { startGateway, type GatewayHandle } from '../../services/mcp-gateway/gateway.js';
import { sparsePruner } from '../../services/sparse-pruner/service.js';

const apiKey = 'test-api-key';
const token = 'test-internal-token';

/** Services of one track, really running in this process. */
interface RunningTrack {
  vault: ServiceHandle;
  readonly pruner: ServiceHandle;
  readonly koopman: ServiceHandle;
}

/** What a table says besides its epoch and where the services are. */
export interface Routing {
  readonly canaryBasisPoints?: number;
  readonly canaryPeakBasisPoints?: number;
  readonly routingKey?: RoutingKey;
  readonly tracks?: readonly Track[];
  /** Address of the stable track's sleep scheduler. */
  readonly sleep?: string;
}

/** A gateway in front of real services, all in this process, with files in a folder of its own. */
export class Memory {
  readonly #folder: string;
  readonly #tracks = new Map<Track, RunningTrack>();
  readonly #clients: Mcp[] = [];
  #gateway: GatewayHandle | undefined;
  #extraEnv: NodeJS.ProcessEnv = {};
  #epoch = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts a stable track and a gateway with the table's first epoch. */
  static async start(env: NodeJS.ProcessEnv = {}, routing: Routing = {}): Promise<Memory> {
    const memory = new Memory(await mkdtemp(join(tmpdir(), 'gateway-')));
    await writeFile(join(memory.#folder, 'api-key'), `${apiKey}\n`);
    await writeFile(join(memory.#folder, 'token'), token);
    for (const track of routing.tracks ?? ['stable']) await memory.startTrack(track);
    await memory.publish(routing);
    memory.#extraEnv = env;
    memory.#gateway = await startGateway(memory.env);
    return memory;
  }

  get tableFile(): string {
    return join(this.#folder, 'shard-table.json');
  }

  /** Environment of the gateway. */
  get env(): NodeJS.ProcessEnv {
    return {
      GATEWAY_PORT: '0',
      METRICS_PORT: '0',
      SHARD_TABLE_FILE: this.tableFile,
      API_KEY_FILE: join(this.#folder, 'api-key'),
      INTERNAL_TOKEN_FILE: join(this.#folder, 'token'),
      GATEWAY_VERIFY_SHARE: '0',
      LOG_LEVEL: 'silent',
      ...this.#extraEnv,
    };
  }

  get apiKey(): string {
    return apiKey;
  }

  get token(): string {
    return token;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.gateway.port}`;
  }

  get gateway(): GatewayHandle {
    if (this.#gateway === undefined) throw new Error('the gateway is not running');
    return this.#gateway;
  }

  /** A client of its own; closed with the memory. */
  client(): Mcp {
    const client = createMcp({ url: `${this.origin}/mcp`, apiKey });
    this.#clients.push(client);
    return client;
  }

  /** Drains the gateway and starts it again at the port it had. */
  async restartGateway(): Promise<void> {
    const { port } = this.gateway;
    await this.gateway.drain();
    this.#gateway = await startGateway({ ...this.env, GATEWAY_PORT: String(port) });
  }

  /** Where a track's services listen. */
  services(track: Track): TrackServices {
    const running = this.#tracks.get(track)!;
    return {
      revision: `${track}-revision`,
      vault: `127.0.0.1:${running.vault.grpcPort}`,
      sleep: '127.0.0.1:1',
      pruner: `127.0.0.1:${running.pruner.grpcPort}`,
      koopman: `127.0.0.1:${running.koopman.grpcPort}`,
    };
  }

  async startTrack(track: Track): Promise<void> {
    const vault = await this.#startVault(track, '0');
    const peers = { VAULT_ADDRESS: `127.0.0.1:${vault.grpcPort}` };
    const [pruner, koopman] = await Promise.all([
      startService(sparsePruner, this.serviceEnv(track, 'pruner')),
      startService(koopmanLearner, { ...this.serviceEnv(track, 'koopman'), ...peers }),
    ]);
    this.#tracks.set(track, { vault, pruner, koopman });
  }

  async stopVault(track: Track): Promise<number> {
    const { vault } = this.#tracks.get(track)!;
    await vault.drain();
    return vault.grpcPort;
  }

  /** Starts a track's vault again on its data, at the port it had. */
  async startVault(track: Track, port: number): Promise<void> {
    this.#tracks.get(track)!.vault = await this.#startVault(track, String(port));
  }

  /** Replaces the shard table as the operator does: the next epoch, written beside it and renamed. */
  async publish(routing: Routing = {}): Promise<number> {
    const tracks = routing.tracks ?? [...this.#tracks.keys()];
    const table: ShardTable = {
      epoch: ++this.#epoch,
      routingKey: routing.routingKey ?? 'episode',
      canaryBasisPoints: routing.canaryBasisPoints ?? 0,
      ...(routing.canaryPeakBasisPoints !== undefined && {
        canaryPeakBasisPoints: routing.canaryPeakBasisPoints,
      }),
      tracks: {
        stable: { ...this.services('stable'), ...(routing.sleep !== undefined && { sleep: routing.sleep }) },
        ...(tracks.includes('canary') && { canary: this.services('canary') }),
      },
    };
    await this.writeTable(JSON.stringify(table));
    return table.epoch;
  }

  async writeTable(text: string): Promise<void> {
    await writeFile(`${this.tableFile}.new`, text);
    await rename(`${this.tableFile}.new`, this.tableFile);
  }

  /** Publishes and waits until the gateway reports the epoch, as the operator does. */
  async route(routing: Routing): Promise<void> {
    const epoch = await this.publish(routing);
    while ((await this.readiness()).epoch !== epoch) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async readiness(): Promise<{ status: number; ready: boolean; epoch?: number }> {
    const response = await fetch(`${this.origin}/readyz`);
    return { status: response.status, ...((await response.json()) as { ready: boolean; epoch?: number }) };
  }

  /** Samples of a metric by its labels. */
  async samples(name: string): Promise<Map<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.gateway.metricsPort}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line));
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(name.length, end), Number(line.slice(end + 1))];
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#gateway?.drain();
    await Promise.all(
      [...this.#tracks.values()].flatMap((services) =>
        Object.values(services).map((service: ServiceHandle) => service.drain()),
      ),
    );
    await rm(this.#folder, { recursive: true, force: true });
  }

  #startVault(track: Track, port: string): Promise<ServiceHandle> {
    return startService(episodicVault, {
      ...this.serviceEnv(track, 'vault'),
      VAULT_MIN_FREE_BYTES: '0',
      GRPC_PORT: port,
    });
  }

  /** Environment of a service of a track. */
  serviceEnv(track: Track, service: string): NodeJS.ProcessEnv {
    return {
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: join(this.#folder, track, service),
      INTERNAL_TOKEN_FILE: join(this.#folder, 'token'),
      TORI_TRACK: track,
      DRAIN_TIMEOUT_MS: '500',
      LOG_LEVEL: 'silent',
    };
  }
}
